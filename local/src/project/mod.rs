//! A project: its template, and what `local.toml` beside it adds on this machine.
//!
//! The template says what deploys. [`local_toml`] says what the function needs here
//! beyond it: variables, caches, parameters, tables and their items. Values may hold
//! placeholders ([`values`]), which stand for what is known once everything listens.

pub mod error;
pub mod local_toml;
pub mod seed;
pub mod values;

use std::path::{Path, PathBuf};

use aws_wire::ACCOUNT_ID;

use crate::template::{self, Context, Environment};
pub use error::ProjectError;
pub use local_toml::LocalToml;

/// The template's file names, in the order in which they are looked for.
pub const TEMPLATES: [&str; 3] = ["template.yaml", "template.yml", "template.json"];

/// A template and the `local.toml` beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct Project {
    /// The template's file: `CodeUri` is relative to its folder.
    pub template: PathBuf,
    /// What the template describes.
    pub environment: Environment,
    /// What `local.toml` adds; empty without one.
    pub local: LocalToml,
}

impl Project {
    /// Reads the template and, where there is one, the `local.toml` in its folder.
    ///
    /// # Errors
    ///
    /// What is wrong with either file, and in which line.
    pub fn load(template: &Path, context: &Context) -> Result<Self, ProjectError> {
        let environment = template::load(template, context)?;
        let local = LocalToml::beside(template, &environment)?;
        Ok(Self {
            template: template.to_owned(),
            environment,
            local,
        })
    }

    /// Reads the template without values for its parameters, in this region.
    ///
    /// # Errors
    ///
    /// As [`Project::load`].
    pub fn in_region(template: &Path, region: &str) -> Result<Self, ProjectError> {
        let context = Context {
            region: region.to_owned(),
            account: ACCOUNT_ID.to_owned(),
            parameters: std::collections::BTreeMap::new(),
        };
        Self::load(template, &context)
    }
}

/// The template of the project that `folder` is in: in this folder, or in the
/// nearest one above it that has one.
///
/// # Errors
///
/// There is none.
pub fn find_template(folder: &Path) -> Result<PathBuf, ProjectError> {
    folder
        .ancestors()
        .flat_map(|folder| TEMPLATES.map(|name| folder.join(name)))
        .find(|file| file.is_file())
        .ok_or_else(|| ProjectError::NoTemplate {
            folder: folder.to_owned(),
        })
}
