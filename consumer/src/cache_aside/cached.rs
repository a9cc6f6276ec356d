//! The cache's half: gets and sets, whose failures never fail a record.

use std::time::Duration;

use tokio::time::Instant;

use super::CacheAside;
use crate::{
    cache::{Cache, CacheError},
    entry::Entry,
    metrics::Sample,
    store::Read,
};

impl<C: Cache, S> CacheAside<C, S> {
    /// The cached entry. `None` on a miss, a failure or a corrupt value.
    pub(super) async fn cached(&self, name: &str) -> Option<Entry> {
        // Momento accepts an empty key, but no item of the table can have it.
        if name.is_empty() {
            return None;
        }
        let began = Instant::now();
        let got = self.cache.get(name).await;
        let took = began.elapsed();
        self.metrics.update(|sample| match &got {
            Ok(value) => {
                sample.misses += u64::from(value.is_none());
                sample.cache_get.push(took);
            }
            Err(error) => count_failure(sample, error, took),
        });
        let value = match got {
            Ok(value) => value?,
            Err(error) => {
                log_failure(&error, name, "cache get failed; reading DynamoDB instead");
                return None;
            }
        };
        match Entry::decode(name, &value) {
            Ok(entry) => {
                self.metrics.update(|sample| match entry {
                    Entry::Present(_) => sample.hits += 1,
                    Entry::Absent => sample.negative_hits += 1,
                });
                Some(entry)
            }
            Err(error) => {
                tracing::warn!(%error, location = name, "cached value is corrupt; reading DynamoDB and overwriting it");
                self.metrics.update(|sample| sample.corrupt += 1);
                None
            }
        }
    }

    /// Sets the cache to the table's answer.
    pub(super) async fn fill(&self, name: &str, read: &Read) {
        let (entry, ttl) = match read {
            Ok(Some(location)) => (Entry::Present(location.clone()), self.ttl.for_present()),
            Ok(None) if name.is_empty() => return,
            Ok(None) => (Entry::Absent, self.ttl.for_absent()),
            Err(_) => return,
        };
        let value = match entry.encode() {
            Ok(value) => value,
            Err(error) => {
                tracing::warn!(%error, location = name, "item not cached: it cannot be written as JSON");
                return;
            }
        };
        let began = Instant::now();
        let set = self.cache.set(name, &value, ttl).await;
        let took = began.elapsed();
        match set {
            Ok(()) => self.metrics.update(|sample| sample.cache_set.push(took)),
            Err(error) => {
                log_failure(&error, name, "cache set failed; item not cached");
                self.metrics
                    .update(|sample| count_failure(sample, &error, took));
            }
        }
    }
}

fn count_failure(sample: &mut Sample, error: &CacheError, took: Duration) {
    match error {
        CacheError::BreakerOpen => sample.calls_withheld += 1,
        error => sample.cache_failed(error.code(), took),
    }
}

/// Logs a failed call. The open breaker fails every call, and has logged it once.
fn log_failure(error: &CacheError, name: &str, message: &str) {
    if *error == CacheError::BreakerOpen {
        tracing::debug!(%error, location = name, "{message}");
    } else {
        tracing::warn!(%error, location = name, "{message}");
    }
}
