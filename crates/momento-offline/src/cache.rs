//! One cache: its items, TTLs, capacity and eviction; the item size limit.

use std::{ops::Add, time::Duration};

use hashlink::LinkedHashMap;
use movable_clock::Clock;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::{
    status::Status,
    value::{Blob, Kind, Value},
};

/// Item size limit of a scalar, bytes, key included (Momento's documentation,
/// "Namespace and item quotas": item size 5 MB).
pub const MAX_ITEM: usize = 5 * 1024 * 1024;

/// Size limit of a collection's element, bytes (same page: 128 KB).
pub const MAX_ELEMENT: usize = 128 * 1024;

/// Longest TTL (same page: 24 hours).
pub const MAX_TTL: Duration = Duration::from_hours(24);

/// Least number of writes between two sweeps of expired items.
const SWEEP_AFTER: usize = 10_000;

/// One cache.
#[derive(Debug)]
pub(crate) struct Cache {
    /// Ordered by last use: the least recently used item is at the front.
    items: LinkedHashMap<Blob, Item>,
    capacity: u64,
    clock: Clock,
    usage: Usage,
    writes_since_sweep: usize,
}

#[derive(Debug)]
struct Item {
    value: Value,
    expires: Instant,
}

/// Contents of a cache, and its removals since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Items, including expired ones that no sweep has removed yet.
    pub items: u64,
    /// Bytes of their keys and values.
    pub bytes: u64,
    /// Items removed because their TTL ended.
    pub expired: u64,
    /// Items removed because the cache was full.
    pub evicted: u64,
}

impl Add for Usage {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            items: self.items + other.items,
            bytes: self.bytes + other.bytes,
            expired: self.expired + other.expired,
            evicted: self.evicted + other.evicted,
        }
    }
}

impl Usage {
    /// The same removals, without contents.
    #[must_use]
    pub(crate) fn emptied(self) -> Self {
        Self {
            items: 0,
            bytes: 0,
            ..self
        }
    }
}

/// An item, for whoever shows what a cache holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The cache's name.
    pub cache: String,
    /// The key.
    pub key: Vec<u8>,
    /// The type of the value, such as `scalar`.
    pub kind: &'static str,
    /// Bytes of key and value.
    pub bytes: u64,
    /// The TTL that is left.
    pub ttl: Duration,
}

/// The TTL of a write to a collection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CollectionTtl {
    /// TTL of a new or refreshed collection.
    pub(crate) ttl: Duration,
    /// Whether the write refreshes the TTL of an existing collection.
    pub(crate) refresh: bool,
}

impl Cache {
    /// Creates an empty cache of this capacity, bytes, whose items expire by `clock`.
    #[must_use]
    pub(crate) fn new(capacity: u64, clock: Clock) -> Self {
        Self {
            items: LinkedHashMap::new(),
            capacity,
            clock,
            usage: Usage::default(),
            writes_since_sweep: 0,
        }
    }

    /// At most `limit` items, those used last first.
    pub(crate) fn entries(&self, cache: &str, limit: usize) -> Vec<Entry> {
        let now = self.clock.instant();
        let alive = self
            .items
            .iter()
            .rev()
            .filter(|(_, item)| item.expires > now);
        let entries = alive.take(limit).map(|(key, item)| Entry {
            cache: cache.to_owned(),
            key: key.clone(),
            kind: item.value.kind(),
            bytes: size(key, item),
            ttl: item.expires.saturating_duration_since(now),
        });
        entries.collect()
    }

    /// Contents, and removals since the start.
    #[must_use]
    pub(crate) fn usage(&self) -> Usage {
        Usage {
            items: self.items.len() as u64,
            ..self.usage
        }
    }

    /// The value of `key` as a `K`, unless the key is missing or expired.
    ///
    /// # Errors
    ///
    /// The item is of another type.
    pub(crate) fn read<K: Kind>(&mut self, key: &[u8]) -> Result<Option<&mut K>, Status> {
        self.find(key)
            .map(|item| item.value.expect::<K>())
            .transpose()
    }

    /// The value of `key`, of any type.
    pub(crate) fn value(&mut self, key: &[u8]) -> Option<&Value> {
        self.find(key).map(|item| &item.value)
    }

    /// The remaining TTL of `key`'s item.
    pub(crate) fn ttl(&mut self, key: &[u8]) -> Option<Duration> {
        let now = self.clock.instant();
        let item = self.find(key)?;
        Some(item.expires.saturating_duration_since(now))
    }

    /// Sets the TTL of `key`'s item, counted from now. Returns whether the item
    /// exists.
    ///
    /// # Errors
    ///
    /// The TTL is out of range.
    pub(crate) fn set_ttl(&mut self, key: &[u8], ttl: Duration) -> Result<bool, Status> {
        let expires = self.expiry(ttl)?;
        let item = self.find(key);
        Ok(item.map(|item| item.expires = expires).is_some())
    }

    /// Sets `key` to `value` for `ttl`, replacing an item of any type.
    ///
    /// # Errors
    ///
    /// The item exceeds the item size limit, or the TTL is out of range.
    pub(crate) fn put(&mut self, key: Blob, value: Value, ttl: Duration) -> Result<(), Status> {
        let expires = self.expiry(ttl)?;
        let size = key.len() + value.bytes();
        if matches!(value, Value::Scalar(_)) && size > MAX_ITEM {
            return Err(Status::limit(
                "item_size_limit_exceeded",
                format!(
                    "the item has {size} bytes with its key; the item size limit is {MAX_ITEM}"
                ),
            ));
        }
        self.remove(&key);
        self.insert(key, Item { value, expires });
        Ok(())
    }

    /// Writes to the collection of `key`. A missing collection is created, an
    /// emptied one removed.
    ///
    /// # Errors
    ///
    /// The item is of another type, the TTL is out of range, or `write` fails.
    pub(crate) fn upsert<K: Kind, R>(
        &mut self,
        key: Blob,
        ttl: CollectionTtl,
        write: impl FnOnce(&mut K) -> Result<R, Status>,
    ) -> Result<R, Status> {
        let expires = self.expiry(ttl.ttl)?;
        // Checks the type before anything changes.
        let exists = self.read::<K>(&key)?.is_some();
        if exists {
            if ttl.refresh {
                self.set_ttl(&key, ttl.ttl)?;
            }
            return self.change(key, write);
        }
        let mut collection = K::default();
        let written = write(&mut collection)?;
        if !collection.is_gone() {
            let value = collection.into_value();
            self.insert(key, Item { value, expires });
        }
        Ok(written)
    }

    /// Writes to the collection of `key`, if it exists.
    ///
    /// # Errors
    ///
    /// The item is of another type, or `write` fails.
    pub(crate) fn update<K: Kind, R>(
        &mut self,
        key: Blob,
        write: impl FnOnce(&mut K) -> Result<R, Status>,
    ) -> Result<Option<R>, Status> {
        if self.read::<K>(&key)?.is_none() {
            return Ok(None);
        }
        self.change(key, write).map(Some)
    }

    /// Writes to an existing collection. Removing and reinserting it recounts its
    /// bytes and makes it the most recently used item.
    fn change<K: Kind, R>(
        &mut self,
        key: Blob,
        write: impl FnOnce(&mut K) -> Result<R, Status>,
    ) -> Result<R, Status> {
        let Some(mut item) = self.take(&key) else {
            return Err(Status::invalid("the collection does not exist"));
        };
        let collection = item.value.expect::<K>()?;
        let written = write(collection);
        if !collection.is_gone() {
            self.insert(key, item);
        }
        written
    }

    /// Removes the item of `key`. Returns whether it existed.
    pub(crate) fn remove(&mut self, key: &[u8]) -> bool {
        self.take(key).is_some()
    }

    /// Removes all items.
    pub(crate) fn clear(&mut self) {
        self.items.clear();
        self.usage.bytes = 0;
    }

    /// The item of `key`, now the most recently used one.
    fn find(&mut self, key: &[u8]) -> Option<&mut Item> {
        let now = self.clock.instant();
        if self.items.get(key)?.expires <= now {
            self.take(key);
            self.usage.expired += 1;
            return None;
        }
        self.items.to_back(key)
    }

    fn take(&mut self, key: &[u8]) -> Option<Item> {
        let item = self.items.remove(key)?;
        self.usage.bytes -= size(key, &item);
        Some(item)
    }

    fn insert(&mut self, key: Blob, item: Item) {
        self.sweep_if_due();
        self.usage.bytes += size(&key, &item);
        self.items.insert(key, item);
        while self.usage.bytes > self.capacity && self.items.len() > 1 {
            let Some((key, item)) = self.items.pop_front() else {
                return;
            };
            self.usage.bytes -= size(&key, &item);
            self.usage.evicted += 1;
        }
    }

    /// Removes expired items that no call reads again. A sweep reads every item,
    /// so it runs after at least half as many writes.
    fn sweep_if_due(&mut self) {
        self.writes_since_sweep += 1;
        if self.writes_since_sweep < SWEEP_AFTER.max(self.items.len() / 2) {
            return;
        }
        self.writes_since_sweep = 0;
        let now = self.clock.instant();
        let usage = &mut self.usage;
        self.items.retain(|key, item| {
            let alive = item.expires > now;
            if !alive {
                usage.bytes -= size(key, item);
                usage.expired += 1;
            }
            alive
        });
    }

    /// The expiry of an item set now with this TTL.
    fn expiry(&self, ttl: Duration) -> Result<Instant, Status> {
        if ttl.is_zero() || ttl > MAX_TTL {
            let what = format!("the TTL is {} ms; expected 1 ms to 24 h", ttl.as_millis());
            return Err(Status::invalid(what));
        }
        Ok(self.clock.instant() + ttl)
    }
}

fn size(key: &[u8], item: &Item) -> u64 {
    (key.len() + item.value.bytes()) as u64
}

#[cfg(test)]
mod tests {
    use super::{Cache, CollectionTtl, MAX_ITEM};
    use crate::{
        status::Code,
        value::{Blob, List, Value},
    };
    use movable_clock::Clock;
    use std::time::Duration;
    use tokio::time::advance;

    const TTL: Duration = Duration::from_secs(10);

    fn put(cache: &mut Cache, key: &str, bytes: usize) {
        let value = Value::Scalar(vec![0; bytes]);
        cache.put(key.into(), value, TTL).unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn an_item_expires_when_its_ttl_ends() {
        let mut cache = Cache::new(1000, Clock::system());
        put(&mut cache, "Car", 4);
        advance(TTL.saturating_sub(Duration::from_millis(1))).await;
        assert_eq!(cache.read::<Blob>(b"Car").unwrap(), Some(&mut vec![0; 4]));
        advance(Duration::from_millis(1)).await;
        assert_eq!(cache.read::<Blob>(b"Car").unwrap(), None);
        assert_eq!((cache.usage().expired, cache.usage().bytes), (1, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn an_item_expires_when_the_clock_is_moved() {
        let clock = Clock::tokio();
        let mut cache = Cache::new(1000, clock.clone());
        put(&mut cache, "Car", 4);
        clock.advance(TTL);
        assert_eq!(cache.read::<Blob>(b"Car").unwrap(), None);
    }

    #[tokio::test]
    async fn an_item_over_the_item_size_limit_is_refused_and_the_old_item_stays() {
        let mut cache = Cache::new(u64::MAX, Clock::system());
        put(&mut cache, "k", 1);
        let large = Value::Scalar(vec![0; MAX_ITEM]);
        let status = cache.put(b"k".to_vec(), large, TTL).unwrap_err();
        assert_eq!(status.err, Some("item_size_limit_exceeded"));
        assert_eq!(cache.usage().bytes, 2);
        put(&mut cache, "k", MAX_ITEM - 1);
    }

    #[tokio::test]
    async fn a_full_cache_evicts_the_least_recently_used_item() {
        let mut cache = Cache::new(100, Clock::system());
        for key in ["a", "b", "c"] {
            put(&mut cache, key, 30);
        }
        assert!(cache.value(b"a").is_some());
        put(&mut cache, "d", 30);
        let left = ["a", "b", "c", "d"].map(|key| cache.value(key.as_bytes()).is_some());
        assert_eq!(left, [true, false, true, true]);
        assert_eq!((cache.usage().evicted, cache.usage().bytes), (1, 93));
        // A single item may exceed the capacity.
        put(&mut cache, "e", 200);
        assert_eq!(cache.usage().items, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_to_a_collection_refreshes_its_ttl_only_on_request() {
        let mut cache = Cache::new(1000, Clock::system());
        let mut push = |refresh| {
            let ttl = CollectionTtl { ttl: TTL, refresh };
            let push = |list: &mut List| {
                list.push_back(b"v".to_vec());
                Ok(())
            };
            cache.upsert(b"l".to_vec(), ttl, push).unwrap();
            cache.ttl(b"l").unwrap()
        };
        assert_eq!(push(false), TTL);
        advance(TTL / 4).await;
        assert!(push(false) < TTL);
        assert_eq!(push(true), TTL);
    }

    #[tokio::test]
    async fn a_call_on_another_type_is_refused_and_changes_nothing() {
        let mut cache = Cache::new(1000, Clock::system());
        put(&mut cache, "k", 3);
        let ttl = CollectionTtl {
            ttl: TTL,
            refresh: true,
        };
        let status = cache
            .upsert(b"k".to_vec(), ttl, |_: &mut List| Ok(()))
            .unwrap_err();
        assert_eq!(status.code, Code::FailedPrecondition);
        assert_eq!(cache.read::<Blob>(b"k").unwrap(), Some(&mut vec![0; 3]));
    }
}
