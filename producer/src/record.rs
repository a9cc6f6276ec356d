//! The producer's record: the contract with the consumer.

use load_generator::record::Record;
use rand::seq::IndexedRandom;
use serde::Serialize;
use svix_ksuid::{Ksuid, KsuidLike};
use time::OffsetDateTime;

/// The locations of readings. The table has an item for each.
pub const LOCATIONS: [&str; 3] = ["Car", "House", "Diner"];

/// A reading, written as JSON into a Kinesis record's data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reading {
    /// A KSUID; also the record's partition key.
    pub id: String,
    /// The name of the device.
    pub name: &'static str,
    /// One of [`LOCATIONS`].
    pub location: &'static str,
    /// When the producer made the reading.
    #[serde(with = "time::serde::rfc3339")]
    pub write_time: OffsetDateTime,
}

impl Reading {
    /// A new reading from a random location.
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

impl From<Reading> for Record {
    fn from(reading: Reading) -> Self {
        let data = serde_json::to_vec(&reading);
        let data = data.unwrap_or_else(|_| unreachable!("its fields are strings and a time"));
        Self::new(reading.id, data)
    }
}

#[cfg(test)]
mod tests {
    use super::{LOCATIONS, Reading};

    #[test]
    fn a_reading_has_exactly_the_fields_of_the_contract() {
        let reading = serde_json::to_value(Reading::random()).unwrap();
        let fields: Vec<_> = reading.as_object().unwrap().keys().cloned().collect();
        assert_eq!(fields, ["id", "location", "name", "writeTime"]);
        assert_eq!(reading["id"].as_str().unwrap().len(), 27);
        assert_eq!(reading["name"], "Model One");
        assert!(LOCATIONS.contains(&reading["location"].as_str().unwrap()));
        assert!(reading["writeTime"].as_str().unwrap().ends_with('Z'));
    }
}
