//! `AWS::SSM::Parameter`.

use crate::template::{Problem, environment::Parameter, properties::Properties};

pub(super) fn read(logical_id: &str, properties: Properties) -> Result<Parameter, Problem> {
    properties.allow(
        &["Name", "Type", "Value"],
        &[
            "AllowedPattern",
            "DataType",
            "Description",
            "Policies",
            "Tags",
            "Tier",
        ],
    )?;
    Ok(Parameter {
        name: properties
            .text("Name")?
            .unwrap_or_else(|| logical_id.to_owned()),
        kind: properties.required("Type")?,
        value: properties.required("Value")?,
    })
}
