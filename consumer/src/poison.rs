//! From a record's data to a reading, or the reason why it never will be one.

use serde::{Deserialize, de::IgnoredAny};
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
    require_object(text)?;
    let reading: Reading<'_> = match serde_json::from_str(text) {
        Ok(reading) => reading,
        Err(error) if error.classify() != Category::Data => {
            return Err(Poison::NotJson(error.to_string()));
        }
        // A record of another version may lack a field of this one: the version
        // is what is wrong with it then.
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
    // DynamoDB would refuse the request, and every other key in it, each time.
    let bytes = reading.location.len();
    if bytes > MAX_LOCATION_BYTES {
        return Err(Poison::LocationTooLong(bytes));
    }
    Ok(reading)
}

/// Serde takes an array of a struct's values for the struct; a record is an object.
fn require_object(text: &str) -> Result<(), Poison> {
    // What JSON calls white space (RFC 8259, section 2).
    if text.trim_start_matches([' ', '\t', '\n', '\r']).starts_with('{') {
        return Ok(());
    }
    Err(match serde_json::from_str::<IgnoredAny>(text) {
        Ok(_) => Poison::NotAReading("it is not a JSON object".to_owned()),
        Err(error) => Poison::NotJson(error.to_string()),
    })
}

/// The version of the record, unless it is the one that this function knows.
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
    fn white_space_around_a_reading_is_no_poison() {
        let mut data = b" \t\r\n".to_vec();
        data.extend(reading(None));
        assert_eq!(decode(&data).unwrap().location, "Car");
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
