//! A cache and a store that do as a test says.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use ::momento::MomentoErrorCode;
use tokio::time::{Instant, sleep};

use crate::{
    cache::{Cache, CacheError},
    record::Location,
    store::{MAX_NAMES, Read, Store, StoreError},
};

/// Momento's refusal of that code.
pub fn refused(code: MomentoErrorCode) -> CacheError {
    CacheError::Service {
        code,
        message: "on purpose".to_owned(),
    }
}

/// DynamoDB's refusal.
pub fn unreadable() -> StoreError {
    StoreError::Unreadable {
        table: "Locations".to_owned(),
        reason: "on purpose".to_owned(),
    }
}

/// An item of that name.
pub fn item(name: &str) -> Location {
    Location {
        description: Some(format!("{name} description")),
        ..Location::unknown(name)
    }
}

/// A cache in memory, by tokio's clock.
#[derive(Debug, Default)]
pub struct FakeCache(Mutex<CacheState>);

#[derive(Debug, Default)]
struct CacheState {
    values: HashMap<String, (Vec<u8>, Instant)>,
    failures: Option<(usize, CacheError)>,
    delay: Duration,
    gets: usize,
    sets: usize,
    in_flight: usize,
    most_at_a_time: usize,
}

/// A call of the cache, over when it is dropped.
struct Call<'a>(&'a FakeCache);

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.0.lock().in_flight -= 1;
    }
}

impl FakeCache {
    /// The next `count` calls fail.
    pub fn fail_next(&self, count: usize, error: CacheError) {
        self.lock().failures = Some((count, error));
    }

    pub fn answer_after(&self, delay: Duration) {
        self.lock().delay = delay;
    }

    pub fn calls(&self) -> usize {
        self.gets() + self.sets()
    }

    pub fn gets(&self) -> usize {
        self.lock().gets
    }

    pub fn sets(&self) -> usize {
        self.lock().sets
    }

    /// The most calls that were in flight together.
    pub fn most_at_a_time(&self) -> usize {
        self.lock().most_at_a_time
    }

    /// Puts a value in, from outside.
    pub fn put(&self, key: &str, value: &[u8], ttl: Duration) {
        let value = (value.to_vec(), Instant::now() + ttl);
        self.lock().values.insert(key.to_owned(), value);
    }

    /// Takes a value out, from outside.
    pub fn invalidate(&self, key: &str) {
        self.lock().values.remove(key);
    }

    /// The value, and how long it still lives.
    pub fn value(&self, key: &str) -> Option<(Vec<u8>, Duration)> {
        let state = self.lock();
        let (value, expires) = state.values.get(key)?;
        let left = expires.checked_duration_since(Instant::now())?;
        (!left.is_zero()).then(|| (value.clone(), left))
    }

    fn begin(&self) -> Call<'_> {
        let mut state = self.lock();
        state.in_flight += 1;
        state.most_at_a_time = state.most_at_a_time.max(state.in_flight);
        Call(self)
    }

    async fn call(&self) -> Result<(), CacheError> {
        let _call = self.begin();
        let delay = self.lock().delay;
        if !delay.is_zero() {
            sleep(delay).await;
        }
        match &mut self.lock().failures {
            Some((left, error)) if *left > 0 => {
                *left -= 1;
                Err(error.clone())
            }
            _ => Ok(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, CacheState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cache for FakeCache {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, CacheError> {
        self.lock().gets += 1;
        self.call().await?;
        Ok(self.value(key).map(|(value, _)| value))
    }

    async fn set(&self, key: &str, value: &[u8], ttl: Duration) -> Result<(), CacheError> {
        self.lock().sets += 1;
        self.call().await?;
        self.put(key, value, ttl);
        Ok(())
    }
}

impl<C: Cache> Cache for &C {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, CacheError> {
        (**self).get(key).await
    }

    async fn set(&self, key: &str, value: &[u8], ttl: Duration) -> Result<(), CacheError> {
        (**self).set(key, value, ttl).await
    }
}

/// A table in memory that watches how it is read.
#[derive(Debug, Default)]
pub struct FakeStore(Mutex<StoreState>);

#[derive(Debug, Default)]
struct StoreState {
    items: HashMap<String, Location>,
    failing: bool,
    failures: usize,
    delay: Duration,
    /// How many names one request takes; the rest need further ones.
    takes: Option<usize>,
    reads: Vec<Vec<String>>,
    under_way: usize,
    most_at_a_time: usize,
    keys_under_way: BTreeSet<String>,
    keys_read_twice_at_a_time: usize,
}

/// A read under way, over when it is dropped.
struct UnderWay<'a> {
    store: &'a FakeStore,
    names: Vec<String>,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let mut state = self.store.lock();
        state.under_way -= 1;
        for name in &self.names {
            state.keys_under_way.remove(name);
        }
    }
}

impl FakeStore {
    /// A table with these items.
    pub fn with(names: &[&str]) -> Self {
        let store = Self::default();
        for name in names {
            store.put(item(name));
        }
        store
    }

    pub fn put(&self, location: Location) {
        let name = location.location.clone();
        self.lock().items.insert(name, location);
    }

    pub fn remove(&self, name: &str) {
        self.lock().items.remove(name);
    }

    pub fn fail(&self, failing: bool) {
        self.lock().failing = failing;
    }

    pub fn answer_after(&self, delay: Duration) {
        self.lock().delay = delay;
    }

    /// A read of more names than this is answered in parts, each after the delay.
    pub fn take_at_most(&self, names: usize) {
        self.lock().takes = Some(names);
    }

    /// The keys of each read, in the order in which reads began.
    pub fn reads(&self) -> Vec<Vec<String>> {
        self.lock().reads.clone()
    }

    /// How often a read was refused.
    pub fn failures(&self) -> usize {
        self.lock().failures
    }

    pub fn most_at_a_time(&self) -> usize {
        self.lock().most_at_a_time
    }

    /// How often a key was read that was being read already.
    pub fn keys_read_twice_at_a_time(&self) -> usize {
        self.lock().keys_read_twice_at_a_time
    }

    fn begin(&self, names: &[&str]) -> UnderWay<'_> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut state = self.lock();
        state.reads.push(names.clone());
        state.under_way += 1;
        state.most_at_a_time = state.most_at_a_time.max(state.under_way);
        for name in &names {
            if !state.keys_under_way.insert(name.clone()) {
                state.keys_read_twice_at_a_time += 1;
            }
        }
        UnderWay { store: self, names }
    }

    /// The items as they are when the read begins; the answer comes later.
    async fn answer(&self, names: &[&str]) -> Vec<Read> {
        let under_way = self.begin(names);
        let (answer, delay) = {
            let mut state = self.lock();
            state.failures += usize::from(state.failing);
            // DynamoDB refuses the whole request for one key that is too long.
            let refused = names.iter().any(|name| name.len() > 2048);
            let find = |name: &&str| {
                if state.failing || refused {
                    return Err(unreadable());
                }
                Ok(state.items.get(*name).cloned())
            };
            (names.iter().map(find).collect(), state.delay)
        };
        if !delay.is_zero() {
            sleep(delay).await;
        }
        drop(under_way);
        answer
    }

    fn lock(&self) -> MutexGuard<'_, StoreState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for FakeStore {
    async fn read(&self, name: &str) -> Read {
        self.answer(&[name]).await.remove(0)
    }

    async fn read_many(&self, names: &[&str], found: &mut HashMap<String, Read>) {
        let takes = self.lock().takes.unwrap_or(MAX_NAMES);
        for names in names.chunks(takes) {
            let results = self.answer(names).await;
            found.extend(names.iter().map(|name| (*name).to_owned()).zip(results));
        }
    }
}

impl<S: Store> Store for &S {
    async fn read(&self, name: &str) -> Read {
        (**self).read(name).await
    }

    async fn read_many(&self, names: &[&str], found: &mut HashMap<String, Read>) {
        (**self).read_many(names, found).await;
    }
}
