//! `AWS::DynamoDB::Table`.

use serde_json::{Map, Number, Value as Json};

use crate::template::{
    Problem,
    document::{Node, Value},
    environment::Table,
    properties::Properties,
    resolve::Resolver,
};

/// Properties that go into `CreateTable` as they are: CloudFormation spells
/// them as the API does.
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
            definition.insert(property.to_owned(), json(node, properties.resolver())?);
        }
    }
    Ok(Table {
        name,
        definition: Json::Object(definition),
    })
}

/// A node as JSON, its functions worked out.
fn json(node: &Node, resolver: &Resolver) -> Result<Json, Problem> {
    Ok(match &node.value {
        Value::Null => Json::Null,
        Value::Bool(value) => Json::from(*value),
        Value::Number(digits) => digits
            .parse::<Number>()
            .map_or_else(|_| Json::from(digits.clone()), Json::from),
        Value::Text(text) => Json::from(text.clone()),
        Value::List(items) => items
            .iter()
            .map(|item| json(item, resolver))
            .collect::<Result<_, _>>()?,
        Value::Map(entries) => entries
            .iter()
            .map(|(key, value)| Ok((key.name.clone(), json(value, resolver)?)))
            .collect::<Result<_, _>>()?,
        Value::Function(..) => Json::from(resolver.text(node)?),
    })
}
