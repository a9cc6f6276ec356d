//! The record that the producer writes: the contract with the consumer.

use rand::seq::IndexedRandom;
use serde::Serialize;
use svix_ksuid::{Ksuid, KsuidLike};
use time::OffsetDateTime;

/// The places that a reading can come from; the table has an item for each.
pub const LOCATIONS: [&str; 3] = ["Car", "House", "Diner"];

/// One reading, as JSON in a Kinesis record's data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reading {
    /// A KSUID; also the record's partition key.
    pub id: String,
    /// What was read.
    pub name: &'static str,
    /// One of [`LOCATIONS`].
    pub location: &'static str,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub write_time: OffsetDateTime,
}

impl Reading {
    /// A reading from a random location, made now.
    #[must_use]
    pub fn random() -> Self {
        let location = LOCATIONS
            .choose(&mut rand::rng())
            .copied()
            .unwrap_or(LOCATIONS[0]);
        let write_time = OffsetDateTime::now_utc();
        Self {
            id: Ksuid::new(Some(write_time), None).to_string(),
            name: "Model One",
            location,
            write_time,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LOCATIONS, Reading};

    #[test]
    fn a_reading_has_exactly_the_contract_s_fields() {
        let reading = serde_json::to_value(Reading::random()).unwrap();
        let fields: Vec<_> = reading.as_object().unwrap().keys().cloned().collect();
        assert_eq!(fields, ["id", "location", "name", "writeTime"]);
        assert_eq!(reading["id"].as_str().unwrap().len(), 27);
        assert_eq!(reading["name"], "Model One");
        assert!(LOCATIONS.contains(&reading["location"].as_str().unwrap()));
        assert!(reading["writeTime"].as_str().unwrap().ends_with('Z'));
    }
}
