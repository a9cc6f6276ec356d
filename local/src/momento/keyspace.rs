//! Caches and their items, each item with its time to live.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::{
    counters::{Counters, Counts},
    faults::Faults,
    status::{Code, Status},
};

/// Largest item, bytes, key included (Momento's service limits).
const MAX_ITEM: usize = 5 * 1024 * 1024;

/// Longest time to live (Momento's service limits, on demand).
const MAX_TTL: Duration = Duration::from_hours(24);

/// How many sets go by between two sweeps of expired items.
const SWEEP_EVERY: u32 = 10_000;

/// All caches of one stub.
#[derive(Debug, Default)]
pub struct Keyspace {
    caches: Mutex<Caches>,
    counters: Counters,
    /// What goes wrong on purpose.
    pub faults: Faults,
}

#[derive(Debug, Default)]
struct Caches {
    by_name: BTreeMap<String, HashMap<Vec<u8>, Item>>,
    sets_since_sweep: u32,
}

#[derive(Debug)]
struct Item {
    value: Vec<u8>,
    expires: Instant,
}

impl Keyspace {
    /// A keyspace with empty caches of these names.
    pub fn with_caches<I: IntoIterator<Item: Into<String>>>(names: I) -> Self {
        let keyspace = Self::default();
        for name in names {
            keyspace
                .lock()
                .by_name
                .insert(name.into(), HashMap::default());
        }
        keyspace
    }

    /// What was asked until now.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counters.counts()
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The item of `key`, unless it has expired.
    ///
    /// # Errors
    ///
    /// There is no such cache.
    pub fn get(&self, cache: &str, key: &[u8]) -> Result<Option<Vec<u8>>, Status> {
        let mut caches = self.lock();
        let items = caches.named(cache)?;
        let now = Instant::now();
        if items.get(key).is_some_and(|item| item.expires <= now) {
            items.remove(key);
        }
        Ok(items.get(key).map(|item| item.value.clone()))
    }

    /// Keeps `value` for `ttl`.
    ///
    /// # Errors
    ///
    /// There is no such cache, the item is too large, or the TTL is none.
    pub fn set(
        &self,
        cache: &str,
        key: Vec<u8>,
        value: Vec<u8>,
        ttl: Duration,
    ) -> Result<(), Status> {
        if ttl.is_zero() || ttl > MAX_TTL {
            let what = format!("TTL is {} ms; expected 1 ms to 24 h", ttl.as_millis());
            return Err(Status::new(Code::InvalidArgument, what));
        }
        if key.len() + value.len() > MAX_ITEM {
            return Err(Status {
                code: Code::ResourceExhausted,
                message: format!("item size limit exceeded: {MAX_ITEM} bytes"),
                err: Some("item_size_limit_exceeded"),
            });
        }
        let mut caches = self.lock();
        caches.sweep_now_and_then();
        let expires = Instant::now() + ttl;
        caches.named(cache)?.insert(key, Item { value, expires });
        Ok(())
    }

    /// Removes the item of `key`; that there is none is no error.
    ///
    /// # Errors
    ///
    /// There is no such cache.
    pub fn delete(&self, cache: &str, key: &[u8]) -> Result<(), Status> {
        self.lock().named(cache)?.remove(key);
        Ok(())
    }

    /// Makes an empty cache.
    ///
    /// # Errors
    ///
    /// There is one of that name, or the name is empty.
    pub fn create_cache(&self, name: &str) -> Result<(), Status> {
        if name.is_empty() {
            return Err(Status::new(Code::InvalidArgument, "the cache has no name"));
        }
        let mut caches = self.lock();
        if caches.by_name.contains_key(name) {
            let what = format!("cache {name} exists already");
            return Err(Status::new(Code::AlreadyExists, what));
        }
        caches.by_name.insert(name.to_owned(), HashMap::new());
        Ok(())
    }

    /// Removes a cache and its items.
    ///
    /// # Errors
    ///
    /// There is no such cache.
    pub fn delete_cache(&self, name: &str) -> Result<(), Status> {
        let mut caches = self.lock();
        caches.named(name)?;
        caches.by_name.remove(name);
        Ok(())
    }

    /// The caches' names, in order.
    #[must_use]
    pub fn cache_names(&self) -> Vec<String> {
        self.lock().by_name.keys().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Caches> {
        self.caches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Caches {
    fn named(&mut self, name: &str) -> Result<&mut HashMap<Vec<u8>, Item>, Status> {
        self.by_name
            .get_mut(name)
            .ok_or_else(|| Status::new(Code::NotFound, format!("there is no cache {name:?}")))
    }

    /// Expired items that nobody asks for again would stay otherwise.
    fn sweep_now_and_then(&mut self) {
        self.sets_since_sweep += 1;
        if self.sets_since_sweep < SWEEP_EVERY {
            return;
        }
        self.sets_since_sweep = 0;
        let now = Instant::now();
        for items in self.by_name.values_mut() {
            items.retain(|_, item| item.expires > now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Keyspace;
    use crate::momento::status::Code;
    use std::time::Duration;
    use tokio::time::advance;

    const TTL: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn an_item_lives_as_long_as_its_ttl_and_no_longer() {
        let keyspace = Keyspace::with_caches(["sample-a"]);
        keyspace
            .set("sample-a", b"Car".to_vec(), b"item".to_vec(), TTL)
            .unwrap();
        let almost = TTL.saturating_sub(Duration::from_millis(1));
        advance(almost).await;
        assert_eq!(
            keyspace.get("sample-a", b"Car").unwrap().unwrap(),
            b"item".to_vec()
        );
        advance(Duration::from_millis(1)).await;
        assert_eq!(keyspace.get("sample-a", b"Car").unwrap(), None);
    }

    #[tokio::test]
    async fn a_cache_must_exist_before_it_is_used() {
        let keyspace = Keyspace::default();
        assert_eq!(
            keyspace.get("sample-a", b"Car").unwrap_err().code,
            Code::NotFound
        );
        keyspace.create_cache("sample-a").unwrap();
        assert_eq!(keyspace.get("sample-a", b"Car").unwrap(), None);
        assert_eq!(
            keyspace.create_cache("sample-a").unwrap_err().code,
            Code::AlreadyExists
        );
    }

    #[tokio::test]
    async fn an_item_over_the_limit_is_refused() {
        let keyspace = Keyspace::with_caches(["sample-a"]);
        let status = keyspace
            .set("sample-a", b"k".to_vec(), vec![0; 5 * 1024 * 1024], TTL)
            .unwrap_err();
        assert_eq!(status.err, Some("item_size_limit_exceeded"));
    }
}
