//! Cache-aside: ask the cache, on a miss the table, and keep what it says.
//!
//! The cache is an optimisation. Whatever it does (down, slow, full, corrupt),
//! the table is asked and the record is processed.

mod batch;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

pub use batch::Lookups;

use crate::{
    cache::{Cache, CacheError},
    entry::Entry,
    metrics::{Metrics, Sample},
    record::Location,
    single_flight::{Leader, Seat, SingleFlight},
    store::{Read, Store, StoreError},
    ttl::Ttl,
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
    /// The cache knew that the table has no such location.
    NegativeCache,
    /// The cache had none, or could not say, and neither had the table.
    Nowhere,
}

/// The cache and the table behind it.
pub struct CacheAside<C, S> {
    cache: C,
    store: S,
    ttl: Ttl,
    /// Reads of the table that are under way: one per key.
    reads: SingleFlight<Read>,
    metrics: Arc<Metrics>,
}

impl<C: Cache, S: Store> CacheAside<C, S> {
    /// `cache` in front of `store`.
    pub fn new(cache: C, store: S, ttl: Ttl, metrics: Arc<Metrics>) -> Self {
        Self {
            cache,
            store,
            ttl,
            reads: SingleFlight::default(),
            metrics,
        }
    }

    /// Looks a location up.
    ///
    /// # Errors
    ///
    /// The cache had no answer and the table could not be read.
    pub async fn look_up(&self, name: &str) -> Result<Lookup, StoreError> {
        let since = Instant::now();
        match self.cached(name).await {
            Some(entry) => Ok(Lookup::cached(name, entry)),
            None => Lookup::read(name, self.read(name, since).await),
        }
    }

    /// Reads the table, or has what another read of that key brings.
    async fn read(&self, name: &str, since: Instant) -> Read {
        let shared = loop {
            match self.reads.board(name, since) {
                Seat::Leader(leader) => return self.lead(leader).await,
                Seat::Arrived(read) => break read,
                Seat::Follower(follower) => {
                    if let Some(read) = follower.arrival().await {
                        break read;
                    }
                }
            }
        };
        self.metrics.note(|sample| sample.shared_reads += 1);
        shared
    }

    async fn lead(&self, leader: Leader<'_, Read>) -> Read {
        let name = leader.key().to_owned();
        let began = Instant::now();
        let read = self.store.read(&name).await;
        self.note_read(began, [&read]);
        // First kept, then given out: who asks the cache after that has a hit.
        self.keep(&name, &read).await;
        leader.land(read.clone());
        read
    }

    /// What the cache knows of it, if anything.
    async fn cached(&self, name: &str) -> Option<Entry> {
        // Momento takes an empty key without complaint; the table never does.
        if name.is_empty() {
            return None;
        }
        let began = Instant::now();
        let got = self.cache.get(name).await;
        let took = began.elapsed();
        self.metrics.note(|sample| match &got {
            Ok(value) => {
                sample.misses += u64::from(value.is_none());
                sample.cache_get.push(took);
            }
            Err(error) => count_failure(sample, error, took),
        });
        let value = match got {
            Ok(value) => value?,
            Err(error) => {
                complain(&error, name, "cache get failed; asking DynamoDB");
                return None;
            }
        };
        match Entry::decode(name, &value) {
            Ok(entry) => {
                self.metrics.note(|sample| match entry {
                    Entry::Present(_) => sample.hits += 1,
                    Entry::Absent => sample.negative_hits += 1,
                });
                Some(entry)
            }
            Err(error) => {
                tracing::warn!(%error, location = name, "the cached value is corrupt; it is read and set again");
                self.metrics.note(|sample| sample.corrupt += 1);
                None
            }
        }
    }

    /// Sets the cache to what the table said. That it fails is no failure.
    async fn keep(&self, name: &str, read: &Read) {
        let (entry, ttl) = match read {
            Ok(Some(location)) => (Entry::Present(location.clone()), self.ttl.for_present()),
            Ok(None) if name.is_empty() => return,
            Ok(None) => (Entry::Absent, self.ttl.for_absent()),
            Err(_) => return,
        };
        let value = match entry.encode() {
            Ok(value) => value,
            Err(error) => {
                tracing::warn!(%error, location = name, "the item cannot be written as JSON; it is not cached");
                return;
            }
        };
        let began = Instant::now();
        let set = self.cache.set(name, &value, ttl).await;
        let took = began.elapsed();
        match set {
            Ok(()) => self.metrics.note(|sample| sample.cache_set.push(took)),
            Err(error) => {
                complain(&error, name, "cache set failed; the record goes on");
                self.metrics
                    .note(|sample| count_failure(sample, &error, took));
            }
        }
    }

    fn note_read<'a>(&self, began: Instant, reads: impl IntoIterator<Item = &'a Read>) {
        let took = began.elapsed();
        self.metrics.note(|sample| {
            sample.store_read.push(took);
            for error in reads.into_iter().filter_map(|read| read.as_ref().err()) {
                *sample.store_errors.entry(error.code()).or_default() += 1;
            }
        });
    }
}

impl Lookup {
    fn cached(name: &str, entry: Entry) -> Self {
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

    fn read(name: &str, read: Read) -> Result<Self, StoreError> {
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

fn count_failure(sample: &mut Sample, error: &CacheError, took: Duration) {
    match error {
        CacheError::BreakerOpen => sample.calls_withheld += 1,
        error => sample.cache_failed(error.code(), took),
    }
}

/// While the breaker is open every call fails; one line has said so already.
fn complain(error: &CacheError, name: &str, what: &str) {
    if *error == CacheError::BreakerOpen {
        tracing::debug!(%error, location = name, "{what}");
    } else {
        tracing::warn!(%error, location = name, "{what}");
    }
}
