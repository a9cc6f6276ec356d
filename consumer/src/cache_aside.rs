//! Cache-aside: ask the cache, on a miss the table, and keep what it says.
//!
//! The cache is an optimisation. Whatever it does (down, slow, full, corrupt),
//! the table is asked and the record is processed.

use crate::{
    cache::Cache,
    record::Location,
    store::{Store, StoreError},
};

/// A location, and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    /// The item; its name alone where the table has none.
    pub location: Location,
    /// Where it came from.
    pub source: Source,
}

/// Where a location came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The cache had it.
    Cache,
    /// The cache had none, or could not say, and the table had it.
    Store,
    /// The table has no such location. It is not cached.
    Nowhere,
}

/// The cache and the table behind it.
pub struct CacheAside<C, S> {
    cache: C,
    store: S,
}

impl<C: Cache, S: Store> CacheAside<C, S> {
    /// `cache` in front of `store`.
    pub fn new(cache: C, store: S) -> Self {
        Self { cache, store }
    }

    /// Looks a location up.
    ///
    /// # Errors
    ///
    /// The cache had no answer and the table could not be read.
    pub async fn look_up(&self, name: &str) -> Result<Lookup, StoreError> {
        if let Some(location) = self.cached(name).await {
            return Ok(Lookup {
                location,
                source: Source::Cache,
            });
        }
        match self.store.read(name).await? {
            Some(location) => {
                self.keep(name, &location).await;
                Ok(Lookup {
                    location,
                    source: Source::Store,
                })
            }
            None => Ok(Lookup {
                location: Location::unknown(name),
                source: Source::Nowhere,
            }),
        }
    }

    async fn cached(&self, name: &str) -> Option<Location> {
        // Momento takes an empty key without complaint; the table never does.
        if name.is_empty() {
            return None;
        }
        let value = match self.cache.get(name).await {
            Ok(value) => value?,
            Err(error) => {
                tracing::warn!(%error, location = name, "cache get failed; asking DynamoDB");
                return None;
            }
        };
        serde_json::from_slice(&value)
            .inspect_err(|error| {
                tracing::warn!(%error, location = name, "cached value is corrupt; it is read and set again");
            })
            .ok()
    }

    async fn keep(&self, name: &str, location: &Location) {
        let value = match serde_json::to_vec(location) {
            Ok(value) => value,
            Err(error) => {
                tracing::warn!(%error, location = name, "the item cannot be written as JSON; it is not cached");
                return;
            }
        };
        if let Err(error) = self.cache.set(name, value).await {
            tracing::warn!(%error, location = name, "cache set failed; the record goes on");
        }
    }
}
