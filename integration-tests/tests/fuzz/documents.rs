//! Changes of JSON documents: members replaced, removed and added.

use proptest::{collection::vec, prelude::*, sample::Index};
use serde_json::{Map, Value, json};

/// One change: at the how-manieth value of the document, and what happens to it.
#[derive(Debug, Clone)]
pub enum Change {
    Replace(Index, Value),
    Remove(Index),
    Add(Index, String, Value),
}

/// A few changes.
pub fn changes() -> impl Strategy<Value = Vec<Change>> {
    let change = prop_oneof![
        4 => (any::<Index>(), value()).prop_map(|(at, value)| Change::Replace(at, value)),
        1 => any::<Index>().prop_map(Change::Remove),
        1 => (any::<Index>(), "[A-Za-z]{0,12}", value())
            .prop_map(|(at, name, value)| Change::Add(at, name, value)),
    ];
    vec(change, 0..4)
}

/// A value that a careless or hostile client may send.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop::sample::select(vec![0_i64, -1, 1, 24, 8760, i64::MIN, i64::MAX])
            .prop_map(Value::from),
        prop::sample::select(vec![0.5, -0.0, 1e308, 5e-324]).prop_map(Value::from),
        Just(json!(u64::MAX)),
        ".{0,40}".prop_map(Value::from),
        // Lengths around limits: names, keys, records.
        prop::sample::select(vec![0_usize, 128, 129, 256, 257, 2049, 70_000])
            .prop_map(|length| Value::from("a".repeat(length))),
        prop::sample::select(vec![
            "stream",
            "table",
            "/parameter",
            "shardId-000000000000",
            "arn:aws:kinesis:",
            "AA==",
            "TRIM_HORIZON",
            "49600000000000000000000000000000000000000000000000000000",
            "340282366920938463463374607431768211455",
            "attribute_exists(id)",
            "#a = :b",
        ])
        .prop_map(Value::from),
        // As deep as a parser may be asked to go.
        prop::sample::select(vec![10_usize, 100, 126]).prop_map(|depth| {
            (0..depth).fold(Value::Null, |inner, _| Value::Array(vec![inner]))
        }),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            vec(("[A-Za-z]{0,8}", inner), 0..6)
                .prop_map(|members| Value::Object(Map::from_iter(members))),
        ]
    })
}

/// `document` after `changes`.
pub fn changed(mut document: Value, changes: &[Change]) -> Value {
    for change in changes {
        let (Change::Replace(at, _) | Change::Remove(at) | Change::Add(at, ..)) = change;
        let mut left = at.index(count(&document));
        if let Some(place) = nth(&mut document, &mut left) {
            match change {
                Change::Replace(_, value) => *place = value.clone(),
                Change::Remove(_) => *place = Value::Null,
                Change::Add(_, name, value) => match place {
                    Value::Object(members) => {
                        members.insert(name.clone(), value.clone());
                    }
                    Value::Array(items) => items.push(value.clone()),
                    place => *place = json!({ name.as_str(): value }),
                },
            }
        }
    }
    document
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(members) => members.values().map(count).sum(),
        _ => 0,
    }
}

/// The value at place `left`, in the order of the text.
fn nth<'a>(value: &'a mut Value, left: &mut usize) -> Option<&'a mut Value> {
    if *left == 0 {
        return Some(value);
    }
    *left -= 1;
    match value {
        Value::Array(items) => items.iter_mut().find_map(|item| nth(item, left)),
        Value::Object(members) => members.values_mut().find_map(|member| nth(member, left)),
        _ => None,
    }
}
