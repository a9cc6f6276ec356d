//! The keys of a request to DynamoDB, in its JSON.

use serde_json::{Map, Value};

/// The longest request that is read for its keys, bytes.
const MOST_READ: usize = 64 * 1024;

/// The request's table, or its tables, and the values of each key's attributes. Of an item
/// that is put, which attributes are the key is not known: all short values are listed.
pub(super) fn of(body: &[u8]) -> (String, Vec<Vec<String>>) {
    let read = (body.len() <= MOST_READ).then(|| serde_json::from_slice::<Value>(body));
    let request = read.and_then(Result::ok).unwrap_or_default();
    if let Some(table) = request["TableName"].as_str() {
        let mut keys = Vec::new();
        for name in ["Key", "Item", "ExpressionAttributeValues"] {
            keys.extend(request[name].as_object().map(values));
        }
        return (table.to_owned(), keys);
    }
    let tables = request["RequestItems"].as_object();
    let (mut names, mut keys) = (Vec::new(), Vec::new());
    for (table, wanted) in tables.into_iter().flatten() {
        names.push(table.as_str());
        // BatchGetItem has keys, and BatchWriteItem requests.
        let got = wanted["Keys"].as_array().into_iter().flatten();
        keys.extend(got.filter_map(Value::as_object).map(values));
        let written = wanted.as_array().into_iter().flatten();
        for one in written {
            let item = &one["PutRequest"]["Item"];
            let key = &one["DeleteRequest"]["Key"];
            keys.extend(item.as_object().or(key.as_object()).map(values));
        }
    }
    (names.join(", "), keys)
}

/// Strings and numbers, which a record's data may have too.
fn values(attributes: &Map<String, Value>) -> Vec<String> {
    let values = attributes.values();
    let texts = values.filter_map(|value| value["S"].as_str().or(value["N"].as_str()));
    let short = texts.filter(|text| !text.is_empty() && text.len() <= 256);
    short.take(8).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn a_get_has_its_key_and_a_batch_the_keys_of_all_tables() {
        let get = br#"{"TableName":"t","Key":{"id":{"S":"a"},"n":{"N":"7"}}}"#;
        let key = vec!["a".to_owned(), "7".to_owned()];
        assert_eq!(of(get), ("t".to_owned(), vec![key]));
        let batch = br#"{"RequestItems":{"t":{"Keys":[{"id":{"S":"a"}},{"id":{"S":"b"}}]},
            "u":[{"PutRequest":{"Item":{"id":{"S":"c"}}}}]}}"#;
        let keys = ["a", "b", "c"].map(|key| vec![key.to_owned()]);
        assert_eq!(of(batch), ("t, u".to_owned(), keys.to_vec()));
        assert_eq!(of(b"no JSON"), (String::new(), Vec::new()));
    }
}
