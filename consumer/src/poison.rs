//! Decodes a record's data, or names the reason why no retry can decode it.

use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Value, error::Category};

use crate::record::{MAX_LOCATION_BYTES, Reading, VERSION};

/// Why a record cannot be processed, however often Lambda delivers it. The event
/// source mapping discards it after its retries, to its on-failure destination.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Poison {
    /// The data is not text.
    #[error("the data is not UTF-8 from byte {0} on")]
    NotUtf8(usize),
    /// The data is text but not JSON.
    #[error("the data is not JSON: {0}")]
    NotJson(String),
    /// The data is a record of another version.
    #[error("the record's version is {0}; this function supports version {VERSION}")]
    UnknownVersion(Value),
    /// The data is JSON, but a field is missing or has the wrong type.
    #[error("the data is not a reading: {0}")]
    NotAReading(String),
    /// The location is longer than a key of the table can be.
    #[error("the location is {0} bytes long; DynamoDB allows keys of {MAX_LOCATION_BYTES} bytes")]
    LocationTooLong(usize),
}

impl Poison {
    /// The `reason` field of the log line.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NotUtf8(_) => "not_utf8",
            Self::NotJson(_) => "not_json",
            Self::UnknownVersion(_) => "unknown_version",
            Self::NotAReading(_) => "not_a_reading",
            Self::LocationTooLong(_) => "location_too_long",
        }
    }
}

/// The one field that every version of the record has.
#[derive(Deserialize)]
struct Versioned {
    version: Option<Value>,
}

/// Decodes a record's data.
///
/// # Errors
///
/// The data is not a reading of version [`VERSION`].
pub fn decode(data: &[u8]) -> Result<Reading<'_>, Poison> {
    let text = std::str::from_utf8(data).map_err(|error| Poison::NotUtf8(error.valid_up_to()))?;
    require_object(text)?;
    let reading: Reading<'_> = match serde_json::from_str(text) {
        Ok(reading) => reading,
        Err(error) if error.classify() != Category::Data => {
            return Err(Poison::NotJson(error.to_string()));
        }
        // A record of another version may lack this version's fields. Then the
        // version is the reason.
        Err(error) => {
            return Err(match other_version(text) {
                Some(version) => Poison::UnknownVersion(version),
                None => Poison::NotAReading(error.to_string()),
            });
        }
    };
    if let Some(version) = reading.version
        && version != VERSION
    {
        return Err(Poison::UnknownVersion(version.into()));
    }
    // DynamoDB would reject every request for this key, with all other keys in it.
    let bytes = reading.location.len();
    if bytes > MAX_LOCATION_BYTES {
        return Err(Poison::LocationTooLong(bytes));
    }
    Ok(reading)
}

/// Checks that the text is a JSON object. Serde would also accept an array of a
/// struct's values.
fn require_object(text: &str) -> Result<(), Poison> {
    // JSON's white space (RFC 8259, section 2).
    if text
        .trim_start_matches([' ', '\t', '\n', '\r'])
        .starts_with('{')
    {
        return Ok(());
    }
    Err(match serde_json::from_str::<IgnoredAny>(text) {
        Ok(_) => Poison::NotAReading("it is not a JSON object".to_owned()),
        Err(error) => Poison::NotJson(error.to_string()),
    })
}

/// The record's version, if it is not [`VERSION`].
fn other_version(text: &str) -> Option<Value> {
    let Versioned { version } = serde_json::from_str(text).ok()?;
    version.filter(|version| *version != VERSION)
}

#[cfg(test)]
mod tests {
    use super::{Poison, decode};
    use serde_json::json;

    fn reason(data: &[u8]) -> &'static str {
        decode(data).unwrap_err().reason()
    }

    fn reading(version: Option<serde_json::Value>) -> Vec<u8> {
        let mut reading = json!({
            "id": "1", "name": "Model One", "location": "Car", "writeTime": "2026-11-22T10:20:30Z",
        });
        if let Some(version) = version {
            reading["version"] = version;
        }
        reading.to_string().into_bytes()
    }

    #[test]
    fn a_reading_of_version_1_or_without_a_version_is_decoded() {
        assert_eq!(decode(&reading(None)).unwrap().location, "Car");
        assert_eq!(decode(&reading(Some(json!(1)))).unwrap().location, "Car");
    }

    #[test]
    fn each_kind_of_poison_has_its_reason() {
        assert_eq!(reason(b"\xFF\xFE\x00"), "not_utf8");
        assert_eq!(reason(b"not JSON"), "not_json");
        assert_eq!(reason(b""), "not_json");
        assert_eq!(reason(b"{\"id\":\"1\""), "not_json");
        assert_eq!(
            reason(br#"{"id":"15","name":"Model One"}"#),
            "not_a_reading"
        );
        assert_eq!(reason(b"[1]"), "not_a_reading");
        assert_eq!(reason(b"[2]"), "not_a_reading");
        assert_eq!(reason(b"[1"), "not_json");
        assert_eq!(reason(b"\"text\""), "not_a_reading");
        assert_eq!(reason(&reading(Some(json!(2)))), "unknown_version");
        assert_eq!(reason(&reading(Some(json!("1.0")))), "unknown_version");
        assert_eq!(reason(br#"{"version":2,"body":{}}"#), "unknown_version");
    }

    #[test]
    fn a_json_array_of_a_reading_s_values_is_poison() {
        let array = br#"[1,"2Nd5","Model One","Car","2026-11-22T10:20:30Z"]"#;
        assert_eq!(reason(array), "not_a_reading");
    }

    #[test]
    fn white_space_before_a_reading_is_allowed() {
        let mut data = b" \t\r\n".to_vec();
        data.extend(reading(None));
        assert_eq!(decode(&data).unwrap().location, "Car");
    }

    #[test]
    fn the_message_names_the_problem_in_one_line() {
        assert_eq!(decode(b"ab\xFF").unwrap_err(), Poison::NotUtf8(2));
        assert_eq!(
            decode(br#"{"version":2}"#).unwrap_err().to_string(),
            "the record's version is 2; this function supports version 1"
        );
        let missing = decode(br#"{"id":"1"}"#).unwrap_err().to_string();
        assert!(missing.contains("missing field `name`"), "{missing}");
    }
}
