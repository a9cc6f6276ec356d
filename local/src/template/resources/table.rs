//! `AWS::DynamoDB::Table`.

use serde_json::{Map, Value as Json};

use crate::template::{Problem, environment::Table, properties::Properties};

/// Properties that go unchanged into `CreateTable`: CloudFormation and the API
/// have the same names for them.
const AS_THEY_ARE: [&str; 6] = [
    "AttributeDefinitions",
    "BillingMode",
    "GlobalSecondaryIndexes",
    "KeySchema",
    "LocalSecondaryIndexes",
    "ProvisionedThroughput",
];

pub(super) fn read(logical_id: &str, properties: Properties) -> Result<Table, Problem> {
    let mut used = vec!["TableName"];
    used.extend(AS_THEY_ARE);
    properties.allow(
        &used,
        &[
            "ContributorInsightsSpecification",
            "DeletionProtectionEnabled",
            "PointInTimeRecoverySpecification",
            "SSESpecification",
            "TableClass",
            "Tags",
            "TimeToLiveSpecification",
        ],
    )?;
    let name = properties
        .text("TableName")?
        .unwrap_or_else(|| logical_id.to_owned());
    let mut definition = Map::new();
    definition.insert("TableName".to_owned(), Json::from(name.clone()));
    for property in AS_THEY_ARE {
        if let Some(node) = properties.node(property) {
            definition.insert(property.to_owned(), properties.resolver().json(node)?);
        }
    }
    Ok(Table {
        name,
        definition: Json::Object(definition),
    })
}
