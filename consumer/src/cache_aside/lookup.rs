//! The result of a lookup.

use crate::{
    entry::Entry,
    record::Location,
    store::{Read, StoreError},
};

/// A location, and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    /// The item, or only the name if the table has no item.
    pub location: Location,
    /// Where it came from.
    pub source: Source,
}

/// Where a location came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The cache had the item.
    Cache,
    /// The cache missed or failed, and the table had the item.
    Store,
    /// The cache knew that the table has no item.
    NegativeCache,
    /// The cache missed or failed, and the table had no item.
    Nowhere,
}

impl Lookup {
    pub(super) fn from_cache(name: &str, entry: Entry) -> Self {
        match entry {
            Entry::Present(location) => Self {
                location,
                source: Source::Cache,
            },
            Entry::Absent => Self {
                location: Location::unknown(name),
                source: Source::NegativeCache,
            },
        }
    }

    pub(super) fn from_store(name: &str, read: Read) -> Result<Self, StoreError> {
        Ok(match read? {
            Some(location) => Self {
                location,
                source: Source::Store,
            },
            None => Self {
                location: Location::unknown(name),
                source: Source::Nowhere,
            },
        })
    }
}
