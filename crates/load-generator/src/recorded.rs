//! The JSON line of a record that was read from a stream.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use time::OffsetDateTime;

/// A record as it was read from a stream: a line of a recording.
///
/// The data is in `data` if it is a JSON document on one line, byte for byte, and in
/// `dataBase64` otherwise.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Recorded {
    /// The shard's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard_id: Option<String>,
    /// The sequence number in the shard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence_number: Option<String>,
    /// When Kinesis accepted it.
    #[serde(
        default,
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub approximate_arrival_timestamp: Option<OffsetDateTime>,
    /// The partition key.
    pub partition_key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    data: Option<Box<RawValue>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    data_base64: Option<String>,
}

impl Recorded {
    /// A record with this partition key and data.
    #[must_use]
    pub fn new(partition_key: impl Into<String>, data: &[u8]) -> Self {
        let json = json_on_one_line(data);
        Self {
            shard_id: None,
            sequence_number: None,
            approximate_arrival_timestamp: None,
            partition_key: partition_key.into(),
            data_base64: json.is_none().then(|| BASE64_STANDARD.encode(data)),
            data: json,
        }
    }

    /// The record of a line; `None` if the line is some other JSON document.
    #[must_use]
    pub fn of_line(line: &[u8]) -> Option<Self> {
        let recorded: Self = serde_json::from_slice(line).ok()?;
        // Either of them, and base64 that decodes.
        let one = recorded.data.is_some() != recorded.data_base64.is_some();
        (one && recorded.data().is_some()).then_some(recorded)
    }

    /// The data; `None` if its base64 is invalid.
    #[must_use]
    pub fn data(&self) -> Option<Vec<u8>> {
        match (&self.data, &self.data_base64) {
            (Some(json), _) => Some(json.get().as_bytes().to_vec()),
            (None, Some(base64)) => BASE64_STANDARD.decode(base64).ok(),
            (None, None) => None,
        }
    }
}

/// `data` as JSON, if JSON can hold each of its bytes in one line.
fn json_on_one_line(data: &[u8]) -> Option<Box<RawValue>> {
    let text = std::str::from_utf8(data).ok()?;
    // JSON Lines end at a newline, and serde reads `null` as an absent field.
    let exact = text.trim() == text && !text.contains(['\n', '\r']) && text != "null";
    let json: &RawValue = serde_json::from_str(text).ok().filter(|_| exact)?;
    to_raw_value(json).ok()
}

#[cfg(test)]
mod tests {
    use super::Recorded;

    #[test]
    fn data_survives_the_line_byte_for_byte() {
        for (data, field) in [
            (&b"{\"b\": 1.0, \"a\":\"\\u00e9\"}"[..], "\"data\":{"),
            (b"[1]", "\"data\":[1]"),
            (b"{\n}", "dataBase64"),
            (b" {}", "dataBase64"),
            (b"null", "dataBase64"),
            (b"\xff\x00", "dataBase64"),
            (b"", "dataBase64"),
        ] {
            let line = serde_json::to_string(&Recorded::new("key", data)).unwrap();
            assert!(line.contains(field), "{line}");
            let read = Recorded::of_line(line.as_bytes()).unwrap();
            assert_eq!(read.data().unwrap(), data, "{line}");
            assert_eq!(read.partition_key, "key");
        }
    }

    #[test]
    fn another_document_is_no_recorded_record() {
        for line in [
            r#"{"data":1}"#,
            r#"{"partitionKey":"a"}"#,
            r#"{"partitionKey":"a","data":1,"orderId":2}"#,
            r#"{"partitionKey":"a","data":1,"dataBase64":"AA=="}"#,
            r#"{"partitionKey":"a","dataBase64":"not base64"}"#,
            "[]",
        ] {
            assert!(Recorded::of_line(line.as_bytes()).is_none(), "{line}");
        }
    }
}
