//! Caches by name, shared by every transport.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use movable_clock::Clock;

use super::{
    cache::{Cache, Entry, Usage},
    counters::{Counters, Counts},
    faults::Faults,
    observer::{Called, Observer},
    status::{Code, Status},
    value::{Blob, Value},
};

/// Default capacity of one cache, bytes of keys and values.
pub const DEFAULT_CAPACITY: u64 = 1024 * 1024 * 1024;

/// The caches behind a transport, by name.
pub struct Keyspace {
    caches: Mutex<Caches>,
    capacity: u64,
    clock: Clock,
    counters: Counters,
    /// For the status, which any transport serves.
    protosocket: OnceLock<SocketAddr>,
    observer: OnceLock<Arc<dyn Observer>>,
    /// Faults to inject; every transport asks them before each call.
    pub faults: Faults,
}

#[derive(Debug, Default)]
struct Caches {
    by_name: BTreeMap<String, Cache>,
    /// Expiries and evictions of deleted caches.
    deleted: Usage,
}

impl std::fmt::Debug for Keyspace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keyspace")
            .field("caches", &self.caches)
            .field("capacity", &self.capacity)
            .field("counters", &self.counters)
            .field("faults", &self.faults)
            .finish_non_exhaustive()
    }
}

impl Default for Keyspace {
    fn default() -> Self {
        Self {
            caches: Mutex::default(),
            capacity: DEFAULT_CAPACITY,
            clock: Clock::system(),
            counters: Counters::default(),
            protosocket: OnceLock::new(),
            observer: OnceLock::new(),
            faults: Faults::default(),
        }
    }
}

impl Keyspace {
    /// Creates a keyspace with empty caches of these names.
    pub fn with_caches<I: IntoIterator<Item: Into<String>>>(names: I) -> Self {
        Self::default().and_caches(names)
    }

    /// Creates a keyspace whose caches hold at most this many bytes each. A full
    /// cache evicts its least recently used item.
    #[must_use]
    pub fn with_capacity(capacity: u64) -> Self {
        Self {
            capacity,
            ..Self::default()
        }
    }

    /// Lets the items of caches that are created from now on expire by `clock`.
    #[must_use]
    pub fn on_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Adds empty caches of these names.
    #[must_use]
    pub fn and_caches<I: IntoIterator<Item: Into<String>>>(self, names: I) -> Self {
        for name in names {
            let cache = Cache::new(self.capacity, self.clock.clone());
            self.lock().by_name.insert(name.into(), cache);
        }
        self
    }

    /// Capacity of each cache, bytes.
    #[must_use]
    pub fn capacity(&self) -> u64 {
        self.capacity
    }

    /// Address of protosocket, if it is served.
    #[must_use]
    pub fn protosocket_address(&self) -> Option<SocketAddr> {
        self.protosocket.get().copied()
    }

    /// Notes that protosocket serves this keyspace at `address`.
    #[cfg(feature = "protosocket")]
    pub(crate) fn served_over_protosocket(&self, address: SocketAddr) {
        // The first listener stays: the status names one address.
        let _ = self.protosocket.set(address);
    }

    /// Calls answered and refused since the start.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counters.counts()
    }

    /// Tells `observer` of every call and every fault plan from now on. The first observer
    /// stays.
    pub fn observe(&self, observer: Arc<dyn Observer>) {
        self.faults.observe(observer.clone());
        let _ = self.observer.set(observer);
    }

    /// When a call began, if an observer wants to know of its end.
    pub(crate) fn watch(&self) -> Option<Instant> {
        let observer = self.observer.get()?;
        observer.wants_calls().then(Instant::now)
    }

    /// Tells the observer of a call, if it began with [`Keyspace::watch`].
    pub(crate) fn called(&self, began: Option<Instant>, called: Called<'_>) {
        if let (Some(began), Some(observer)) = (began, self.observer.get()) {
            observer.called(&Called {
                duration: began.elapsed(),
                ..called
            });
        }
    }

    /// Items of the caches, or of one of them: those used last first, at most `limit` of
    /// each. Expired ones are left out.
    #[must_use]
    pub fn entries(&self, cache: Option<&str>, limit: usize) -> Vec<Entry> {
        let caches = self.lock();
        let caches = caches.by_name.iter();
        let wanted = caches.filter(|(name, _)| cache.is_none_or(|cache| cache == *name));
        wanted
            .flat_map(|(name, cache)| cache.entries(name, limit))
            .collect()
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Contents and removals of all caches together.
    #[must_use]
    pub fn usage(&self) -> Usage {
        let caches = self.lock();
        let each = caches.by_name.values().map(Cache::usage);
        each.fold(caches.deleted, |sum, usage| sum + usage)
    }

    /// Runs `work` on one cache, under the keyspace's lock.
    ///
    /// # Errors
    ///
    /// The cache does not exist, or `work` fails.
    pub(crate) fn with<R>(
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

    /// The scalar of `key`, unless the key is missing or expired.
    ///
    /// # Errors
    ///
    /// The cache does not exist, or the item is a collection.
    pub fn get(&self, cache: &str, key: &[u8]) -> Result<Option<Blob>, Status> {
        self.with(cache, |cache| {
            Ok(cache.read::<Blob>(key)?.map(|value| value.clone()))
        })
    }

    /// Sets `key` to the scalar `value` for `ttl`.
    ///
    /// # Errors
    ///
    /// The cache does not exist, the item exceeds the item size limit, or the TTL
    /// is out of range.
    pub fn set(&self, cache: &str, key: Blob, value: Blob, ttl: Duration) -> Result<(), Status> {
        self.with(cache, |cache| cache.put(key, Value::Scalar(value), ttl))
    }

    /// Removes the item of `key`, if it exists.
    ///
    /// # Errors
    ///
    /// The cache does not exist.
    pub fn delete(&self, cache: &str, key: &[u8]) -> Result<(), Status> {
        self.with(cache, |cache| {
            cache.remove(key);
            Ok(())
        })
    }

    /// Creates an empty cache.
    ///
    /// # Errors
    ///
    /// A cache of that name exists, or the name is empty.
    pub fn create_cache(&self, name: &str) -> Result<(), Status> {
        if name.trim().is_empty() {
            return Err(Status::invalid("the cache name is empty"));
        }
        let mut caches = self.lock();
        if caches.by_name.contains_key(name) {
            let what = format!("cache {name:?} already exists");
            return Err(Status::new(Code::AlreadyExists, what));
        }
        let cache = Cache::new(self.capacity, self.clock.clone());
        caches.by_name.insert(name.to_owned(), cache);
        Ok(())
    }

    /// Deletes a cache and its items.
    ///
    /// # Errors
    ///
    /// The cache does not exist.
    pub fn delete_cache(&self, name: &str) -> Result<(), Status> {
        let mut caches = self.lock();
        let cache = caches.by_name.remove(name);
        let usage = cache.ok_or_else(|| Status::no_cache(name))?.usage();
        caches.deleted = caches.deleted + usage.emptied();
        Ok(())
    }

    /// Removes all items of a cache.
    ///
    /// # Errors
    ///
    /// The cache does not exist.
    pub fn flush_cache(&self, name: &str) -> Result<(), Status> {
        self.with(name, |cache| {
            cache.clear();
            Ok(())
        })
    }

    /// Names of the caches, in order.
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
    async fn a_cache_must_be_created_before_it_is_used() {
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
    async fn the_evictions_of_a_deleted_cache_stay_counted() {
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
