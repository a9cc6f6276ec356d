//! The record before and after processing: the contract with the producer.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// The record's version that this function supports. A record without a
/// `version` has this one.
pub const VERSION: u64 = 1;

/// The longest name of a location, in bytes of UTF-8: the longest partition key
/// of DynamoDB (Developer Guide, "Quotas in Amazon DynamoDB").
pub const MAX_LOCATION_BYTES: usize = 2048;

/// The JSON that the producer writes into a Kinesis record's data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reading<'a> {
    /// The record's version, [`VERSION`]; optional.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// A KSUID; also the record's partition key.
    #[serde(borrow)]
    pub id: Cow<'a, str>,
    /// The name of the device, such as `Model One`.
    #[serde(borrow)]
    pub name: Cow<'a, str>,
    /// The key of the location's item, such as `Car`, `House` or `Diner`.
    #[serde(borrow)]
    pub location: Cow<'a, str>,
    /// When the producer wrote it.
    #[serde(with = "time::serde::rfc3339")]
    pub write_time: OffsetDateTime,
}

/// An item of the locations table. A location without an item has only a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Location {
    /// The item's key.
    pub location: String,
    /// A description of the place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Further notes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
}

impl Location {
    /// A location without an item in the table.
    #[must_use]
    pub fn unknown(name: &str) -> Self {
        Self {
            location: name.to_owned(),
            description: None,
            notes: None,
        }
    }
}

/// The processed record, with its location's item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EnrichedReading<'a> {
    /// [`Reading::id`].
    pub id: &'a str,
    /// [`Reading::name`].
    pub name: &'a str,
    /// The item of [`Reading::location`].
    pub location: &'a Location,
    /// When the consumer had processed it. [`Reading::write_time`] to here is the
    /// record's end-to-end latency.
    #[serde(with = "time::serde::rfc3339")]
    pub read_time: OffsetDateTime,
    /// [`Reading::write_time`].
    #[serde(with = "time::serde::rfc3339")]
    pub write_time: OffsetDateTime,
}

impl Reading<'_> {
    /// Replaces the location's name by its item, and adds `read_time`.
    #[must_use]
    pub fn enrich<'a>(
        &'a self,
        location: &'a Location,
        read_time: OffsetDateTime,
    ) -> EnrichedReading<'a> {
        EnrichedReading {
            id: &self.id,
            name: &self.name,
            location,
            read_time,
            write_time: self.write_time,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Location, Reading};

    const WIRE: &str = r#"{"id":"2Nd5","name":"Model One","location":"Car","writeTime":"2026-11-22T10:20:30.123456Z"}"#;

    #[test]
    fn a_reading_has_the_wire_form_that_the_producer_writes() {
        let reading: Reading<'_> = serde_json::from_str(WIRE).unwrap();
        assert_eq!(reading.location, "Car");
        assert_eq!(serde_json::to_string(&reading).unwrap(), WIRE);
    }

    #[test]
    fn enriching_replaces_the_location_by_its_item_and_keeps_the_rest() {
        let reading: Reading<'_> = serde_json::from_str(WIRE).unwrap();
        let car = Location {
            location: "Car".into(),
            description: Some("Car description".into()),
            notes: Some("Car notes".into()),
        };
        let after = serde_json::to_value(reading.enrich(&car, reading.write_time)).unwrap();
        assert_eq!(after["id"], "2Nd5");
        assert_eq!(after["location"]["description"], "Car description");
        assert_eq!(after["writeTime"], "2026-11-22T10:20:30.123456Z");
        assert_eq!(after["readTime"], after["writeTime"]);
    }

    #[test]
    fn an_unknown_location_keeps_its_name_and_nothing_else() {
        let unknown = serde_json::to_string(&Location::unknown("Moon")).unwrap();
        assert_eq!(unknown, r#"{"location":"Moon"}"#);
    }
}
