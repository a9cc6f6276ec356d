//! A deadline around every call.

use std::{collections::HashMap, time::Duration};

use tokio::time::timeout;

use crate::{
    cache::{Cache, CacheError},
    store::{Read, Store, StoreError},
};

/// Gives every call of `inner` this long. The SDKs' own deadlines are far
/// longer, and Momento's does not cover connecting at all.
#[derive(Debug)]
pub struct Deadline<T> {
    inner: T,
    limit: Duration,
}

impl<T> Deadline<T> {
    /// Calls of `inner` end within `limit`.
    pub fn new(inner: T, limit: Duration) -> Self {
        Self { inner, limit }
    }
}

impl<C: Cache> Cache for Deadline<C> {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, CacheError> {
        timeout(self.limit, self.inner.get(key))
            .await
            .unwrap_or(Err(CacheError::Timeout(self.limit)))
    }

    async fn set(&self, key: &str, value: &[u8], ttl: Duration) -> Result<(), CacheError> {
        timeout(self.limit, self.inner.set(key, value, ttl))
            .await
            .unwrap_or(Err(CacheError::Timeout(self.limit)))
    }
}

impl<S: Store> Store for Deadline<S> {
    async fn read(&self, name: &str) -> Read {
        timeout(self.limit, self.inner.read(name))
            .await
            .unwrap_or(Err(StoreError::Timeout(self.limit)))
    }

    async fn read_many(&self, names: &[&str], found: &mut HashMap<String, Read>) {
        let reading = self.inner.read_many(names, found);
        if timeout(self.limit, reading).await.is_err() {
            for name in names {
                let late = || Err(StoreError::Timeout(self.limit));
                found.entry((*name).to_owned()).or_insert_with(late);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Deadline;
    use crate::{
        cache::{Cache, CacheError},
        fakes::{FakeCache, FakeStore, item},
        store::{Store, StoreError},
    };
    use std::{collections::HashMap, time::Duration};
    use tokio::time::Instant;

    const LIMIT: Duration = Duration::from_millis(50);

    #[tokio::test(start_paused = true)]
    async fn a_cache_that_never_answers_costs_the_deadline_and_no_more() {
        let cache = FakeCache::default();
        cache.answer_after(Duration::from_hours(1));
        let cache = Deadline::new(cache, LIMIT);
        let began = Instant::now();
        assert_eq!(cache.get("Car").await, Err(CacheError::Timeout(LIMIT)));
        assert_eq!(
            cache.set("Car", b"value", LIMIT).await,
            Err(CacheError::Timeout(LIMIT))
        );
        assert_eq!(began.elapsed(), 2 * LIMIT);
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_never_answers_costs_the_deadline_and_no_more() {
        let store = FakeStore::with(&["Car"]);
        store.answer_after(Duration::from_hours(1));
        let store = Deadline::new(store, LIMIT);
        let began = Instant::now();
        assert_eq!(store.read("Car").await, Err(StoreError::Timeout(LIMIT)));
        let mut found = HashMap::new();
        store.read_many(&["Car", "House"], &mut found).await;
        assert_eq!(found["Car"], Err(StoreError::Timeout(LIMIT)));
        assert_eq!(found["House"], Err(StoreError::Timeout(LIMIT)));
        assert_eq!(began.elapsed(), 2 * LIMIT);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_read_before_the_deadline_is_kept() {
        let store = FakeStore::with(&["Car", "House"]);
        store.take_at_most(1);
        store.answer_after(LIMIT * 2 / 3);
        let store = Deadline::new(store, LIMIT);
        let mut found = HashMap::new();
        store.read_many(&["Car", "House"], &mut found).await;
        assert_eq!(found["Car"], Ok(Some(item("Car"))));
        assert_eq!(found["House"], Err(StoreError::Timeout(LIMIT)));
    }
}
