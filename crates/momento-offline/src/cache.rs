//! One cache: its items, their times to live, and its capacity.

use std::{ops::Add, time::Duration};

use hashlink::LinkedHashMap;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::{
    status::Status,
    value::{Blob, Kind, Value},
};

/// Largest scalar item, bytes, key included (Momento, "Namespace and item
/// quotas": item size 5 MB).
pub const MAX_ITEM: usize = 5 * 1024 * 1024;

/// Largest element of a collection, bytes (the same page: 128 KB).
pub const MAX_ELEMENT: usize = 128 * 1024;

/// Longest time to live (the same page: 24 hours).
pub const MAX_TTL: Duration = Duration::from_hours(24);

/// Fewest writes between two sweeps of expired items.
const SWEEP_AFTER: usize = 10_000;

/// One cache.
#[derive(Debug)]
pub struct Cache {
    /// The item that was used longest ago is at the front.
    items: LinkedHashMap<Blob, Item>,
    capacity: u64,
    usage: Usage,
    writes_since_sweep: usize,
}

#[derive(Debug)]
struct Item {
    value: Value,
    expires: Instant,
}

/// What a cache holds, and has let go of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Items, some of which may have expired unnoticed.
    pub items: u64,
    /// Bytes of their keys and values.
    pub bytes: u64,
    /// Items that were removed because their time was over.
    pub expired: u64,
    /// Items that were removed because the cache was full.
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
    /// What is left of it when the items are gone.
    #[must_use]
    pub fn let_go(self) -> Self {
        Self {
            items: 0,
            bytes: 0,
            ..self
        }
    }
}

/// How a write to a collection treats its time to live.
#[derive(Debug, Clone, Copy)]
pub struct CollectionTtl {
    /// For a collection that is new, or refreshed.
    pub ttl: Duration,
    /// Whether a collection that is there gets it too.
    pub refresh: bool,
}

impl Cache {
    /// An empty cache for this many bytes.
    #[must_use]
    pub fn new(capacity: u64) -> Self {
        Self {
            items: LinkedHashMap::new(),
            capacity,
            usage: Usage::default(),
            writes_since_sweep: 0,
        }
    }

    /// What it holds.
    #[must_use]
    pub fn usage(&self) -> Usage {
        Usage {
            items: self.items.len() as u64,
            ..self.usage
        }
    }

    /// The value of `key` as a `K`, if there is one.
    ///
    /// # Errors
    ///
    /// It is of another type.
    pub fn read<K: Kind>(&mut self, key: &[u8]) -> Result<Option<&mut K>, Status> {
        self.find(key)
            .map(|item| item.value.expect::<K>())
            .transpose()
    }

    /// The value of `key`, of whatever type.
    pub fn value(&mut self, key: &[u8]) -> Option<&Value> {
        self.find(key).map(|item| &item.value)
    }

    /// How long the item of `key` will live.
    pub fn ttl(&mut self, key: &[u8]) -> Option<Duration> {
        let item = self.find(key)?;
        Some(item.expires.saturating_duration_since(Instant::now()))
    }

    /// Has the item of `key` live this much longer from now; whether there is
    /// one.
    ///
    /// # Errors
    ///
    /// The TTL is out of range.
    pub fn set_ttl(&mut self, key: &[u8], ttl: Duration) -> Result<bool, Status> {
        let expires = expiry(ttl)?;
        let item = self.find(key);
        Ok(item.map(|item| item.expires = expires).is_some())
    }

    /// Keeps `value` for `ttl`, whatever was there.
    ///
    /// # Errors
    ///
    /// The item is too large, or the TTL is out of range.
    pub fn put(&mut self, key: Blob, value: Value, ttl: Duration) -> Result<(), Status> {
        let expires = expiry(ttl)?;
        let size = key.len() + value.bytes();
        if matches!(value, Value::Scalar(_)) && size > MAX_ITEM {
            return Err(Status::limit(
                "item_size_limit_exceeded",
                format!("the item has {size} bytes; the limit is {MAX_ITEM}, key included"),
            ));
        }
        self.remove(&key);
        self.insert(key, Item { value, expires });
        Ok(())
    }

    /// Writes to the collection of `key`, which is made where there is none and
    /// removed where nothing is left in it.
    ///
    /// # Errors
    ///
    /// The item is of another type, the TTL is out of range, or what `write`
    /// says.
    pub fn upsert<K: Kind, R>(
        &mut self,
        key: Blob,
        ttl: CollectionTtl,
        write: impl FnOnce(&mut K) -> Result<R, Status>,
    ) -> Result<R, Status> {
        let expires = expiry(ttl.ttl)?;
        // Of another type: refused before anything is moved.
        let there = self.read::<K>(&key)?.is_some();
        if there {
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

    /// Writes to the collection of `key` if there is one.
    ///
    /// # Errors
    ///
    /// The item is of another type, or what `write` says.
    pub fn update<K: Kind, R>(
        &mut self,
        key: Blob,
        write: impl FnOnce(&mut K) -> Result<R, Status>,
    ) -> Result<Option<R>, Status> {
        if self.read::<K>(&key)?.is_none() {
            return Ok(None);
        }
        self.change(key, write).map(Some)
    }

    /// Writes to a collection that is there. It is taken out and put back, so
    /// that its bytes are counted anew and it is the last one used.
    fn change<K: Kind, R>(
        &mut self,
        key: Blob,
        write: impl FnOnce(&mut K) -> Result<R, Status>,
    ) -> Result<R, Status> {
        let Some(mut item) = self.take(&key) else {
            return Err(Status::invalid("there is no such collection"));
        };
        let collection = item.value.expect::<K>()?;
        let written = write(collection);
        if !collection.is_gone() {
            self.insert(key, item);
        }
        written
    }

    /// Removes the item of `key`; whether there was one.
    pub fn remove(&mut self, key: &[u8]) -> bool {
        self.take(key).is_some()
    }

    /// Removes everything.
    pub fn clear(&mut self) {
        self.items.clear();
        self.usage.bytes = 0;
    }

    /// The item of `key`, which is now the last one used.
    fn find(&mut self, key: &[u8]) -> Option<&mut Item> {
        let now = Instant::now();
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
        self.sweep_now_and_then();
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

    /// Expired items that nobody asks for again would stay otherwise. A sweep
    /// looks at every item, so it waits for half as many writes.
    fn sweep_now_and_then(&mut self) {
        self.writes_since_sweep += 1;
        if self.writes_since_sweep < SWEEP_AFTER.max(self.items.len() / 2) {
            return;
        }
        self.writes_since_sweep = 0;
        let now = Instant::now();
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
}

fn size(key: &[u8], item: &Item) -> u64 {
    (key.len() + item.value.bytes()) as u64
}

/// When an item with this TTL, set now, expires.
fn expiry(ttl: Duration) -> Result<Instant, Status> {
    if ttl.is_zero() || ttl > MAX_TTL {
        let what = format!("TTL is {} ms; expected 1 ms to 24 h", ttl.as_millis());
        return Err(Status::invalid(what));
    }
    Ok(Instant::now() + ttl)
}

#[cfg(test)]
mod tests {
    use super::{Cache, CollectionTtl, MAX_ITEM};
    use crate::{
        status::Code,
        value::{Blob, List, Value},
    };
    use std::time::Duration;
    use tokio::time::advance;

    const TTL: Duration = Duration::from_secs(10);

    fn put(cache: &mut Cache, key: &str, bytes: usize) {
        let value = Value::Scalar(vec![0; bytes]);
        cache.put(key.into(), value, TTL).unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn an_item_lives_as_long_as_its_ttl_and_no_longer() {
        let mut cache = Cache::new(1000);
        put(&mut cache, "Car", 4);
        advance(TTL.saturating_sub(Duration::from_millis(1))).await;
        assert_eq!(cache.read::<Blob>(b"Car").unwrap(), Some(&mut vec![0; 4]));
        advance(Duration::from_millis(1)).await;
        assert_eq!(cache.read::<Blob>(b"Car").unwrap(), None);
        assert_eq!((cache.usage().expired, cache.usage().bytes), (1, 0));
    }

    #[tokio::test]
    async fn an_item_over_the_limit_is_refused_and_the_old_one_stays() {
        let mut cache = Cache::new(u64::MAX);
        put(&mut cache, "k", 1);
        let large = Value::Scalar(vec![0; MAX_ITEM]);
        let status = cache.put(b"k".to_vec(), large, TTL).unwrap_err();
        assert_eq!(status.err, Some("item_size_limit_exceeded"));
        assert_eq!(cache.usage().bytes, 2);
        put(&mut cache, "k", MAX_ITEM - 1);
    }

    #[tokio::test]
    async fn a_full_cache_evicts_what_was_used_longest_ago() {
        let mut cache = Cache::new(100);
        for key in ["a", "b", "c"] {
            put(&mut cache, key, 30);
        }
        assert!(cache.value(b"a").is_some());
        put(&mut cache, "d", 30);
        let left = ["a", "b", "c", "d"].map(|key| cache.value(key.as_bytes()).is_some());
        assert_eq!(left, [true, false, true, true]);
        assert_eq!((cache.usage().evicted, cache.usage().bytes), (1, 93));
        // One item may be larger than the cache.
        put(&mut cache, "e", 200);
        assert_eq!(cache.usage().items, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_to_a_collection_refreshes_its_ttl_only_if_it_says_so() {
        let mut cache = Cache::new(1000);
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
    async fn a_call_for_another_type_is_refused_and_changes_nothing() {
        let mut cache = Cache::new(1000);
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
