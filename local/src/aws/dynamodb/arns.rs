//! ARNs: `dynoxide` takes table names only, and writes a region of its own.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::{Map, Value};

/// The region in `dynoxide`'s ARNs, of tables and of their KMS keys.
const WRITTEN: [&str; 2] = ["arn:aws:dynamodb:dynoxide:", "arn:aws:kms:dynoxide:"];

/// Operations whose reply describes a table. No other reply has ARNs, and items are
/// never changed.
pub(super) fn describes_a_table(operation: &str) -> bool {
    ["CreateTable", "DeleteTable", "DescribeTable", "UpdateTable"].contains(&operation)
}

/// A reply with the ARNs of `region`.
pub(super) fn in_region(body: &Bytes, region: &str) -> Bytes {
    let Ok(text) = std::str::from_utf8(body) else {
        return body.clone();
    };
    let mut text = text.to_owned();
    for written in WRITTEN {
        text = text.replace(written, &written.replace("dynoxide", region));
    }
    text.into()
}

/// A batch's tables that the request calls by their ARNs: the ARN of each name.
pub(super) type Renamed = BTreeMap<String, String>;

/// A request with the names of its tables, where it has their ARNs: every `TableName`
/// takes an ARN (API reference, `GetItem`), and so do the keys of `RequestItems`.
pub(super) fn names_for_arns(body: Bytes) -> (Bytes, Renamed) {
    let marker = b"arn:aws:dynamodb:";
    let mut renamed = Renamed::new();
    if !body.windows(marker.len()).any(|window| window == marker) {
        return (body, renamed);
    }
    // `dynoxide` refuses what cannot be read.
    let Ok(Value::Object(mut request)) = serde_json::from_slice(&body) else {
        return (body, renamed);
    };
    rename(&mut request);
    rekey(&mut request, "RequestItems", |table| {
        let name = name(table)?.to_owned();
        renamed.insert(name.clone(), table.to_owned());
        Some(name)
    });
    if let Some(Value::Array(items)) = request.get_mut("TransactItems") {
        let operations = items.iter_mut().filter_map(Value::as_object_mut);
        for operation in operations.flat_map(Map::values_mut) {
            if let Value::Object(operation) = operation {
                rename(operation);
            }
        }
    }
    (
        serde_json::to_vec(&request).map_or(body, Bytes::from),
        renamed,
    )
}

/// A batch's reply with the ARNs by which the request calls its tables.
pub(super) fn arns_for_names(body: &Bytes, renamed: &Renamed) -> Bytes {
    let Ok(Value::Object(mut reply)) = serde_json::from_slice(body) else {
        return body.clone();
    };
    for member in ["Responses", "UnprocessedItems", "UnprocessedKeys"] {
        rekey(&mut reply, member, |table| renamed.get(table).cloned());
    }
    serde_json::to_vec(&reply).map_or(body.clone(), Bytes::from)
}

/// Renames the keys of an object's member.
fn rekey(
    object: &mut Map<String, Value>,
    member: &str,
    mut rename: impl FnMut(&str) -> Option<String>,
) {
    if let Some(Value::Object(tables)) = object.get_mut(member) {
        *tables = std::mem::take(tables)
            .into_iter()
            .map(|(table, value)| (rename(&table).unwrap_or(table), value))
            .collect();
    }
}

fn rename(request: &mut Map<String, Value>) {
    if let Some(Value::String(table)) = request.get_mut("TableName")
        && let Some(name) = name(table)
    {
        *table = name.to_owned();
    }
}

/// The table's name in its ARN: `arn:aws:dynamodb:REGION:ACCOUNT:table/NAME`.
fn name(arn: &str) -> Option<&str> {
    let resource = arn
        .strip_prefix("arn:aws:dynamodb:")?
        .splitn(3, ':')
        .nth(2)?;
    let name = resource.strip_prefix("table/")?;
    (!name.contains('/')).then_some(name)
}
