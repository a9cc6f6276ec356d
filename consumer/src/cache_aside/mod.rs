//! Cache-aside: ask the cache, on a miss ask the table, and cache the answer.
//!
//! The cache is an optimisation. If it is down, slow, full or corrupt, the table
//! is asked and the record is processed.

mod batch;
mod cached;
mod lookup;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use tokio::time::Instant;

pub use batch::Lookups;
pub use lookup::{Lookup, Source};

use crate::{
    cache::Cache,
    metrics::Metrics,
    single_flight::{Leader, Role, SingleFlight},
    store::{Read, Store, StoreError},
    ttl::Ttl,
};

/// The cache, and the table behind it.
pub struct CacheAside<C, S> {
    cache: C,
    store: S,
    ttl: Ttl,
    /// Reads of the table in flight, one per key.
    reads: SingleFlight<Read>,
    metrics: Arc<Metrics>,
}

impl<C: Cache, S: Store> CacheAside<C, S> {
    /// Puts `cache` in front of `store`.
    pub fn new(cache: C, store: S, ttl: Ttl, metrics: Arc<Metrics>) -> Self {
        Self {
            cache,
            store,
            ttl,
            reads: SingleFlight::default(),
            metrics,
        }
    }

    /// Looks up a location.
    ///
    /// # Errors
    ///
    /// The cache had no answer and the table could not be read.
    pub async fn look_up(&self, name: &str) -> Result<Lookup, StoreError> {
        let since = Instant::now();
        match self.cached(name).await {
            Some(entry) => Ok(Lookup::from_cache(name, entry)),
            None => Lookup::from_store(name, self.read(name, since).await),
        }
    }

    /// Reads the table, or shares the result of another read of this key.
    async fn read(&self, name: &str, since: Instant) -> Read {
        let shared = loop {
            match self.reads.join(name, since) {
                Role::Leader(leader) => return self.lead(leader).await,
                Role::Finished(read) => break read,
                Role::Follower(follower) => {
                    if let Some(read) = follower.result().await {
                        break read;
                    }
                }
            }
        };
        self.metrics.update(|sample| sample.shared_reads += 1);
        shared
    }

    async fn lead(&self, leader: Leader<'_, Read>) -> Read {
        let name = leader.key().to_owned();
        let began = Instant::now();
        let read = self.store.read(&name).await;
        self.count_read(began, [&read]);
        // Cache first, then finish: a caller that comes after the flight hits.
        self.fill(&name, &read).await;
        leader.finish(read.clone());
        read
    }

    fn count_read<'a>(&self, began: Instant, reads: impl IntoIterator<Item = &'a Read>) {
        let took = began.elapsed();
        self.metrics.update(|sample| {
            sample.store_read.push(took);
            for error in reads.into_iter().filter_map(|read| read.as_ref().err()) {
                *sample.store_errors.entry(error.code()).or_default() += 1;
            }
        });
    }
}
