//! From a record's data to a reading, or the reason why it never will be one.

use serde::Deserialize;
use serde_json::{Value, error::Category};

use crate::record::{MAX_LOCATION_BYTES, Reading, VERSION};

/// Why a record's data is not a reading. Trying again cannot help: the event
/// source mapping's retries and failure destination are where it ends.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Poison {
    /// Not text.
    #[error("the data is not UTF-8 from byte {0} on")]
    NotUtf8(usize),
    /// Text, and not JSON.
    #[error("the data is not JSON: {0}")]
    NotJson(String),
    /// JSON of another version of the record.
    #[error("the record's version is {0}; this function knows version {VERSION}")]
    UnknownVersion(Value),
    /// JSON without a field, or with another type in it.
    #[error("the data is not a reading: {0}")]
    NotAReading(String),
    /// A reading whose location no item of the table can have.
    #[error("the location has {0} bytes; a key in DynamoDB has at most {MAX_LOCATION_BYTES}")]
    LocationTooLong(usize),
}

impl Poison {
    /// The name under which it is logged.
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

/// All that is read of a record that is not a reading.
#[derive(Deserialize)]
struct Versioned {
    version: Option<Value>,
}

/// Reads a record's data.
///
/// # Errors
///
/// It is not a reading of this version.
pub fn decode(data: &[u8]) -> Result<Reading<'_>, Poison> {
    let text = std::str::from_utf8(data).map_err(|error| Poison::NotUtf8(error.valid_up_to()))?;
    let read: Result<Reading<'_>, _> = serde_json::from_str(text);
    if let Ok(reading) = &read
        && reading.version.is_none_or(|version| version == VERSION)
    {
        // DynamoDB would refuse the request, and every other key in it, each time.
        let bytes = reading.location.len();
        if bytes > MAX_LOCATION_BYTES {
            return Err(Poison::LocationTooLong(bytes));
        }
        return read.map_err(|error| Poison::NotAReading(error.to_string()));
    }
    // Another version may well lack this one's fields: that is told first.
    let version = serde_json::from_str(text)
        .ok()
        .and_then(|Versioned { version }| version)
        .filter(|version| *version != VERSION);
    Err(match (version, read) {
        (Some(version), _) => Poison::UnknownVersion(version),
        (None, Err(error)) if error.classify() == Category::Data => {
            Poison::NotAReading(error.to_string())
        }
        (None, Err(error)) => Poison::NotJson(error.to_string()),
        // A version that is given and known makes a reading, above.
        (None, Ok(_)) => Poison::UnknownVersion(Value::Null),
    })
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
    fn a_reading_of_this_version_named_or_not_is_read() {
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
        assert_eq!(reason(&reading(Some(json!(2)))), "unknown_version");
        assert_eq!(reason(&reading(Some(json!("1.0")))), "unknown_version");
        assert_eq!(reason(br#"{"version":2,"body":{}}"#), "unknown_version");
    }

    #[test]
    fn what_is_wrong_is_said_in_one_line() {
        assert_eq!(decode(b"ab\xFF").unwrap_err(), Poison::NotUtf8(2));
        assert_eq!(
            decode(br#"{"version":2}"#).unwrap_err().to_string(),
            "the record's version is 2; this function knows version 1"
        );
        let missing = decode(br#"{"id":"1"}"#).unwrap_err().to_string();
        assert!(missing.contains("missing field `name`"), "{missing}");
    }
}
