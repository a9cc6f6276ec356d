//! The keys and indexes of a table, at the endpoint and in the template.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{KeySchemaElement, TableDescription};
use serde_json::{Value, json};

/// The updates that bring the global secondary indexes to those of `definition`, one for
/// each request, and what they do.
pub(super) fn index_updates(
    found: &TableDescription,
    definition: &Value,
    kept: &mut Vec<String>,
) -> Vec<(Value, String)> {
    let wanted = indexes_in(&definition["GlobalSecondaryIndexes"]);
    let mut existing = BTreeMap::new();
    for index in found.global_secondary_indexes() {
        let name = index.index_name().unwrap_or_default().to_owned();
        existing.insert(name, keys(index.key_schema()));
    }
    let mut updates = Vec::new();
    for (name, keys) in &existing {
        match wanted.get(name) {
            None => updates.push((
                json!({ "Delete": { "IndexName": name } }),
                format!("index {name} removed"),
            )),
            Some(wanted) if wanted != keys => kept.push(format!(
                "the key of index {name} cannot be changed; give the index another name"
            )),
            Some(_) => {}
        }
    }
    let all = definition["GlobalSecondaryIndexes"].as_array();
    for index in all.into_iter().flatten() {
        let name = index["IndexName"].as_str().unwrap_or_default();
        if !existing.contains_key(name) {
            updates.push((json!({ "Create": index }), format!("index {name} added")));
        }
    }
    updates
}

/// The definitions of the attributes that the table has and `index` adds: DynamoDB refuses
/// those that no key uses.
pub(super) fn attributes_with(
    found: &TableDescription,
    definition: &Value,
    index: &Value,
) -> Value {
    let of_table = found.attribute_definitions().iter();
    let mut names: Vec<_> = of_table
        .map(|one| one.attribute_name().to_owned())
        .collect();
    names.extend(
        keys_in(&index["KeySchema"])
            .into_iter()
            .map(|(name, _)| name),
    );
    let all = definition["AttributeDefinitions"]
        .as_array()
        .into_iter()
        .flatten();
    let used = all.filter(|one| {
        names
            .iter()
            .any(|name| one["AttributeName"] == name.as_str())
    });
    used.cloned().collect()
}

/// A key's attributes with their roles.
pub(super) type Keys = Vec<(String, String)>;

/// The key of a table or an index at the endpoint.
pub(super) fn keys(schema: &[KeySchemaElement]) -> Keys {
    let mut keys: Keys = schema
        .iter()
        .map(|key| {
            (
                key.attribute_name().to_owned(),
                key.key_type().as_str().to_owned(),
            )
        })
        .collect();
    keys.sort();
    keys
}

/// The key of a table or an index of the template.
pub(super) fn keys_in(schema: &Value) -> Keys {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut keys: Keys = schema
        .as_array()
        .into_iter()
        .flatten()
        .map(|key| (text(&key["AttributeName"]), text(&key["KeyType"])))
        .collect();
    keys.sort();
    keys
}

/// The keys of the template's indexes, by the index's name.
pub(super) fn indexes_in(indexes: &Value) -> BTreeMap<String, Keys> {
    let indexes = indexes.as_array().into_iter().flatten();
    indexes
        .map(|index| {
            let name = index["IndexName"].as_str().unwrap_or_default();
            (name.to_owned(), keys_in(&index["KeySchema"]))
        })
        .collect()
}
