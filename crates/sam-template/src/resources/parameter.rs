//! `AWS::SSM::Parameter`.

use crate::{
    Problem,
    effects::{LABELS, OPERATIONS},
    environment::Parameter,
    properties::Properties,
};

pub(super) fn read(logical_id: &str, properties: &Properties) -> Result<Parameter, Problem> {
    properties.allow(
        &["Name", "Type", "Value"],
        &[
            (LABELS, &["Description", "Tags"]),
            (
                OPERATIONS,
                &["AllowedPattern", "DataType", "Policies", "Tier"],
            ),
        ],
    )?;
    // CloudFormation cannot create a SecureString (reference of the type).
    let kind = properties.one_of("Type", &["String", "StringList"])?;
    Ok(Parameter {
        name: properties
            .text("Name")?
            .unwrap_or_else(|| logical_id.to_owned()),
        kind: kind.ok_or_else(|| properties.missing("Type"))?,
        value: properties.required("Value")?,
    })
}
