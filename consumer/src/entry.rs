//! The cached value of a location: its JSON, or the sentinel for an absent item.

use crate::record::Location;

/// The cached value of a location that the table has no item for. It cannot
/// collide with an item, whatever its name: items are JSON objects, and no JSON
/// text starts with `!` (RFC 8259, section 2).
pub const ABSENT: &[u8] = b"!absent";

/// A decoded cached value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// The table has this item.
    Present(Location),
    /// The table has no item.
    Absent,
}

/// Why a cached value cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Corrupt {
    /// It is not a location's JSON.
    #[error("it is not a location: {0}")]
    NotALocation(String),
    /// It is the value of another key.
    #[error("it is the value of location {0:?}")]
    Another(String),
}

impl Entry {
    /// The value to cache.
    ///
    /// # Errors
    ///
    /// The location cannot be written as JSON.
    pub fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        match self {
            Self::Present(location) => serde_json::to_vec(location),
            Self::Absent => Ok(ABSENT.to_vec()),
        }
    }

    /// Decodes the cached value of `name`.
    ///
    /// # Errors
    ///
    /// [`Self::encode`] did not write this value for this name.
    pub fn decode(name: &str, value: &[u8]) -> Result<Self, Corrupt> {
        if value == ABSENT {
            return Ok(Self::Absent);
        }
        // Serde would also accept an array of the location's values.
        if !value.starts_with(b"{") {
            let reason = "it is not a JSON object".to_owned();
            return Err(Corrupt::NotALocation(reason));
        }
        let location: Location = serde_json::from_slice(value)
            .map_err(|error| Corrupt::NotALocation(error.to_string()))?;
        if location.location != name {
            return Err(Corrupt::Another(location.location));
        }
        Ok(Self::Present(location))
    }
}

#[cfg(test)]
mod tests {
    use super::{ABSENT, Corrupt, Entry};
    use crate::record::Location;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_location_comes_back_as_it_was_and_is_never_the_sentinel(
            name: String, description: Option<String>, notes: Option<String>,
        ) {
            let location = Location { location: name.clone(), description, notes };
            let value = Entry::Present(location.clone()).encode().unwrap();
            prop_assert_ne!(&value[..], ABSENT);
            prop_assert_eq!(Entry::decode(&name, &value), Ok(Entry::Present(location)));
        }

        #[test]
        fn any_other_bytes_are_corrupt_and_cause_no_panic(value: Vec<u8>) {
            let decoded = Entry::decode("Car", &value);
            prop_assert!(matches!(decoded, Err(Corrupt::NotALocation(_))), "{:?}", decoded);
        }
    }

    #[test]
    fn a_value_under_another_s_key_is_corrupt() {
        let car = Entry::Present(Location::unknown("Car")).encode().unwrap();
        assert_eq!(
            Entry::decode("House", &car),
            Err(Corrupt::Another("Car".to_owned()))
        );
    }

    #[test]
    fn a_json_array_of_a_location_s_values_is_corrupt() {
        let decoded = Entry::decode("Car", br#"["Car",null,null]"#);
        assert!(
            matches!(decoded, Err(Corrupt::NotALocation(_))),
            "{decoded:?}"
        );
    }

    #[test]
    fn absence_comes_back_as_absence() {
        let value = Entry::Absent.encode().unwrap();
        assert_eq!(Entry::decode("Moon", &value), Ok(Entry::Absent));
    }
}
