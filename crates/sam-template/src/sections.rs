//! The sections of a template and the attributes of a resource (CloudFormation user
//! guide, "Template sections" and "Resource attribute reference").

use super::{
    Problem,
    document::{Key, Node},
};
use crate::nearest::nearest;

const SECTIONS: [&str; 12] = [
    "AWSTemplateFormatVersion",
    "Conditions",
    "Description",
    "Globals",
    "Hooks",
    "Mappings",
    "Metadata",
    "Outputs",
    "Parameters",
    "Resources",
    "Rules",
    "Transform",
];

const ATTRIBUTES: [&str; 11] = [
    "Condition",
    "Connectors",
    "CreationPolicy",
    "DeletionPolicy",
    "DependsOn",
    "IgnoreGlobals",
    "Metadata",
    "Properties",
    "Type",
    "UpdatePolicy",
    "UpdateReplacePolicy",
];

/// Checks the names of the template's sections.
///
/// # Errors
///
/// A section is unknown, and its name is like a known one. Others may be extensions that a
/// tool removes before the deployment.
pub(super) fn check(root: &Node) -> Result<(), Problem> {
    for (key, _) in root.entries() {
        misspelt(key, "section", &SECTIONS)?;
    }
    Ok(())
}

/// Checks the names of a resource's attributes.
///
/// # Errors
///
/// As [`check`].
pub(super) fn check_resource(id: &str, resource: &Node) -> Result<(), Problem> {
    for (key, _) in resource.entries() {
        misspelt(key, "attribute", &ATTRIBUTES)
            .map_err(|problem| Problem::at(problem.line, format!("{id}: {}", problem.what)))?;
    }
    Ok(())
}

fn misspelt(key: &Key, what: &str, known: &[&str]) -> Result<(), Problem> {
    let name = key.name.as_str();
    if known.contains(&name) {
        return Ok(());
    }
    match nearest(name, known.iter().copied()) {
        Some(near) => {
            let what = format!("unknown {what} {name}; did you mean {near}?");
            Err(Problem::at(key.line, what))
        }
        None => Ok(()),
    }
}
