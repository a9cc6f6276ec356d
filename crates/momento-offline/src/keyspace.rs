//! Caches by name, shared by every transport.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{
    cache::{Cache, Usage},
    counters::{Counters, Counts},
    faults::Faults,
    status::{Code, Status},
    value::{Blob, Value},
};

/// Bytes that one cache may hold unless something else is said: keys and values.
pub const DEFAULT_CAPACITY: u64 = 1024 * 1024 * 1024;

/// All caches of one process.
#[derive(Debug)]
pub struct Keyspace {
    caches: Mutex<Caches>,
    capacity: u64,
    counters: Counters,
    /// What goes wrong on purpose.
    pub faults: Faults,
}

#[derive(Debug, Default)]
struct Caches {
    by_name: BTreeMap<String, Cache>,
    /// What the caches that are gone had expired and evicted.
    gone: Usage,
}

impl Default for Keyspace {
    fn default() -> Self {
        Self {
            caches: Mutex::default(),
            capacity: DEFAULT_CAPACITY,
            counters: Counters::default(),
            faults: Faults::default(),
        }
    }
}

impl Keyspace {
    /// A keyspace with empty caches of these names.
    pub fn with_caches<I: IntoIterator<Item: Into<String>>>(names: I) -> Self {
        Self::default().and_caches(names)
    }

    /// A keyspace whose caches hold at most this many bytes each; beyond it the
    /// item that was used longest ago is evicted.
    #[must_use]
    pub fn with_capacity(capacity: u64) -> Self {
        Self {
            capacity,
            ..Self::default()
        }
    }

    /// The same with empty caches of these names too.
    #[must_use]
    pub fn and_caches<I: IntoIterator<Item: Into<String>>>(self, names: I) -> Self {
        for name in names {
            let cache = Cache::new(self.capacity);
            self.lock().by_name.insert(name.into(), cache);
        }
        self
    }

    /// Bytes that one cache may hold.
    #[must_use]
    pub fn capacity(&self) -> u64 {
        self.capacity
    }

    /// What was asked until now.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counters.counts()
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
    }

    /// What all caches hold, and have let go of.
    #[must_use]
    pub fn usage(&self) -> Usage {
        let caches = self.lock();
        let each = caches.by_name.values().map(Cache::usage);
        each.fold(caches.gone, |sum, usage| sum + usage)
    }

    /// Works on one cache; nobody else does meanwhile.
    ///
    /// # Errors
    ///
    /// There is no such cache, or what `work` says.
    pub fn with<R>(
        &self,
        name: &str,
        work: impl FnOnce(&mut Cache) -> Result<R, Status>,
    ) -> Result<R, Status> {
        if name.is_empty() {
            return Err(Status::invalid("the call names no cache"));
        }
        let mut caches = self.lock();
        match caches.by_name.get_mut(name) {
            Some(cache) => work(cache),
            None => Err(Status::no_cache(name)),
        }
    }

    /// The scalar of `key`, unless it has expired.
    ///
    /// # Errors
    ///
    /// There is no such cache, or the item is a collection.
    pub fn get(&self, cache: &str, key: &[u8]) -> Result<Option<Blob>, Status> {
        self.with(cache, |cache| {
            Ok(cache.read::<Blob>(key)?.map(|value| value.clone()))
        })
    }

    /// Keeps the scalar `value` for `ttl`.
    ///
    /// # Errors
    ///
    /// There is no such cache, the item is too large, or the TTL is out of range.
    pub fn set(&self, cache: &str, key: Blob, value: Blob, ttl: Duration) -> Result<(), Status> {
        self.with(cache, |cache| cache.put(key, Value::Scalar(value), ttl))
    }

    /// Removes the item of `key`; that there is none is no error.
    ///
    /// # Errors
    ///
    /// There is no such cache.
    pub fn delete(&self, cache: &str, key: &[u8]) -> Result<(), Status> {
        self.with(cache, |cache| {
            cache.remove(key);
            Ok(())
        })
    }

    /// Makes an empty cache.
    ///
    /// # Errors
    ///
    /// There is one of that name, or the name is empty.
    pub fn create_cache(&self, name: &str) -> Result<(), Status> {
        if name.trim().is_empty() {
            return Err(Status::invalid("the cache has no name"));
        }
        let mut caches = self.lock();
        if caches.by_name.contains_key(name) {
            let what = format!("cache {name} exists already");
            return Err(Status::new(Code::AlreadyExists, what));
        }
        let cache = Cache::new(self.capacity);
        caches.by_name.insert(name.to_owned(), cache);
        Ok(())
    }

    /// Removes a cache and its items.
    ///
    /// # Errors
    ///
    /// There is no such cache.
    pub fn delete_cache(&self, name: &str) -> Result<(), Status> {
        let mut caches = self.lock();
        let cache = caches.by_name.remove(name);
        let usage = cache.ok_or_else(|| Status::no_cache(name))?.usage();
        caches.gone = caches.gone + usage.let_go();
        Ok(())
    }

    /// Removes a cache's items.
    ///
    /// # Errors
    ///
    /// There is no such cache.
    pub fn flush_cache(&self, name: &str) -> Result<(), Status> {
        self.with(name, |cache| {
            cache.clear();
            Ok(())
        })
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

#[cfg(test)]
mod tests {
    use super::Keyspace;
    use crate::status::Code;
    use std::time::Duration;

    const TTL: Duration = Duration::from_secs(10);

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
        assert_eq!(
            keyspace.get("", b"Car").unwrap_err().code,
            Code::InvalidArgument
        );
    }

    #[tokio::test]
    async fn what_a_deleted_cache_evicted_stays_counted() {
        let keyspace = Keyspace::with_capacity(10).and_caches(["sample-a"]);
        for key in ["a", "b"] {
            let value = b"12345678".to_vec();
            keyspace.set("sample-a", key.into(), value, TTL).unwrap();
        }
        assert_eq!((keyspace.usage().items, keyspace.usage().evicted), (1, 1));
        keyspace.delete_cache("sample-a").unwrap();
        assert_eq!((keyspace.usage().items, keyspace.usage().evicted), (0, 1));
    }
}
