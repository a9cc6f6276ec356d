//! `AWS::DynamoDB::Table`, and SAM's short form `AWS::Serverless::SimpleTable`.

use serde_json::{Map, Number, Value as Json, json};

use crate::{
    Problem,
    effects::{CAPACITY, ENCRYPTION, LABELS, OBSERVABILITY, OPERATIONS, PERMISSIONS},
    environment::Table,
    properties::Properties,
};

/// Properties that go into `CreateTable`: CloudFormation and the API have the same names
/// for them.
const AS_THEY_ARE: [&str; 5] = [
    "AttributeDefinitions",
    "GlobalSecondaryIndexes",
    "KeySchema",
    "LocalSecondaryIndexes",
    "ProvisionedThroughput",
];

/// What `CreateTable` takes of an index.
const OF_INDEX: [&str; 4] = [
    "IndexName",
    "KeySchema",
    "Projection",
    "ProvisionedThroughput",
];

pub(super) fn read(logical_id: &str, properties: &Properties) -> Result<Table, Problem> {
    let mut used = vec![
        "TableName",
        "BillingMode",
        "KinesisStreamSpecification",
        "StreamSpecification",
        "TimeToLiveSpecification",
    ];
    used.extend(AS_THEY_ARE);
    properties.allow(
        &used,
        &[
            (CAPACITY, &["OnDemandThroughput", "WarmThroughput"]),
            (ENCRYPTION, &["SSESpecification"]),
            (LABELS, &["Tags"]),
            (OBSERVABILITY, &["ContributorInsightsSpecification"]),
            (
                OPERATIONS,
                &[
                    "DeletionProtectionEnabled",
                    "ImportSourceSpecification",
                    "PointInTimeRecoverySpecification",
                    "TableClass",
                ],
            ),
            (PERMISSIONS, &["ResourcePolicy"]),
        ],
    )?;
    let name = name(logical_id, properties)?;
    let mut definition = Map::new();
    definition.insert("TableName".to_owned(), Json::from(name.clone()));
    if let Some(mode) = properties.one_of("BillingMode", &["PAY_PER_REQUEST", "PROVISIONED"])? {
        definition.insert("BillingMode".to_owned(), Json::from(mode));
    }
    for property in AS_THEY_ARE {
        if let Some(mut value) = properties.json(property)? {
            if property.ends_with("Indexes") {
                keep_of_indexes(&mut value);
            }
            units_as_numbers(&mut value);
            definition.insert(property.to_owned(), value);
        }
    }
    if definition.get("BillingMode") == Some(&Json::from("PAY_PER_REQUEST"))
        && definition
            .get("ProvisionedThroughput")
            .is_some_and(all_zero)
    {
        // DynamoDB takes zeros in this mode, and returns them.
        definition.remove("ProvisionedThroughput");
    }
    if let Some(stream) = stream(properties)? {
        definition.insert("StreamSpecification".to_owned(), stream);
    }
    if properties.node("KinesisStreamSpecification")?.is_some() {
        properties.scope().notes.borrow_mut().add(
            "changes of the table are not forwarded to the stream",
            &format!("{logical_id}.KinesisStreamSpecification"),
        );
    }
    let ttl_attribute = ttl_attribute(properties)?;
    for required in ["AttributeDefinitions", "KeySchema"] {
        if !definition.contains_key(required) {
            return Err(properties.missing(required));
        }
    }
    Ok(Table {
        name,
        definition: Json::Object(definition),
        ttl_attribute,
    })
}

/// A table with one key attribute, by default `id` of type String (SAM specification,
/// `AWS::Serverless::SimpleTable`).
pub(super) fn read_simple(logical_id: &str, properties: &Properties) -> Result<Table, Problem> {
    properties.allow(
        &["TableName", "PrimaryKey", "ProvisionedThroughput"],
        &[
            (ENCRYPTION, &["SSESpecification"]),
            (LABELS, &["Tags"]),
            (OPERATIONS, &["PointInTimeRecoverySpecification"]),
        ],
    )?;
    let (mut key, mut kind) = ("id".to_owned(), "S");
    if let Some(primary) = properties.inside("PrimaryKey")? {
        primary.allow(&["Name", "Type"], &[])?;
        key = primary.required("Name")?;
        kind = match primary
            .one_of("Type", &["String", "Number", "Binary"])?
            .as_deref()
        {
            Some("Number") => "N",
            Some("Binary") => "B",
            _ => "S",
        };
    }
    let name = name(logical_id, properties)?;
    let mut definition = json!({
        "TableName": name,
        "AttributeDefinitions": [{ "AttributeName": key, "AttributeType": kind }],
        "KeySchema": [{ "AttributeName": key, "KeyType": "HASH" }],
    });
    match properties.json("ProvisionedThroughput")? {
        Some(mut throughput) => {
            units_as_numbers(&mut throughput);
            definition["ProvisionedThroughput"] = throughput;
        }
        None => definition["BillingMode"] = Json::from("PAY_PER_REQUEST"),
    }
    Ok(Table {
        name,
        definition,
        ttl_attribute: None,
    })
}

fn name(logical_id: &str, properties: &Properties) -> Result<String, Problem> {
    let name = properties.text("TableName")?;
    Ok(name.unwrap_or_else(|| logical_id.to_owned()))
}

/// `StreamSpecification` in the form of `CreateTable`, which has a switch besides.
fn stream(properties: &Properties) -> Result<Option<Json>, Problem> {
    let Some(stream) = properties.inside("StreamSpecification")? else {
        return Ok(None);
    };
    stream.allow(&["StreamViewType"], &[(PERMISSIONS, &["ResourcePolicy"])])?;
    let known = ["KEYS_ONLY", "NEW_AND_OLD_IMAGES", "NEW_IMAGE", "OLD_IMAGE"];
    let view = stream.one_of("StreamViewType", &known)?;
    let view = view.ok_or_else(|| stream.missing("StreamViewType"))?;
    Ok(Some(
        json!({ "StreamEnabled": true, "StreamViewType": view }),
    ))
}

fn ttl_attribute(properties: &Properties) -> Result<Option<String>, Problem> {
    let Some(ttl) = properties.inside("TimeToLiveSpecification")? else {
        return Ok(None);
    };
    ttl.allow(&["AttributeName", "Enabled"], &[])?;
    let enabled = ttl.boolean("Enabled")?;
    if !enabled.ok_or_else(|| ttl.missing("Enabled"))? {
        return Ok(None);
    }
    ttl.required("AttributeName").map(Some)
}

fn all_zero(throughput: &Json) -> bool {
    let units = throughput.as_object();
    units.is_some_and(|units| units.values().all(|number| *number == 0))
}

/// Removes what `CreateTable` does not take of an index, such as contributor insights.
fn keep_of_indexes(indexes: &mut Json) {
    for index in indexes.as_array_mut().into_iter().flatten() {
        if let Some(index) = index.as_object_mut() {
            index.retain(|name, _| OF_INDEX.contains(&name.as_str()));
        }
    }
}

/// Capacity units are numbers in the API, and often texts in a template: a parameter's
/// value.
fn units_as_numbers(value: &mut Json) {
    match value {
        Json::Array(items) => items.iter_mut().for_each(units_as_numbers),
        Json::Object(entries) => {
            for (name, value) in entries {
                match value {
                    Json::String(text) if name.ends_with("CapacityUnits") => {
                        if let Ok(number) = text.trim().parse::<u64>() {
                            *value = Json::Number(Number::from(number));
                        }
                    }
                    _ => units_as_numbers(value),
                }
            }
        }
        _ => {}
    }
}
