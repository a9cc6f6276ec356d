//! A cache in memory.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep};

use crate::cache::{Cache, CacheError};

/// A cache in memory, on tokio's clock.
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

/// A call in flight; dropping it ends the call.
struct Call<'a>(&'a FakeCache);

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.0.lock().in_flight -= 1;
    }
}

impl FakeCache {
    /// Fails the next `count` calls.
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

    /// The most calls that were in flight at a time.
    pub fn most_at_a_time(&self) -> usize {
        self.lock().most_at_a_time
    }

    /// Sets a value without a call.
    pub fn put(&self, key: &str, value: &[u8], ttl: Duration) {
        let value = (value.to_vec(), Instant::now() + ttl);
        self.lock().values.insert(key.to_owned(), value);
    }

    /// Removes a value without a call.
    pub fn invalidate(&self, key: &str) {
        self.lock().values.remove(key);
    }

    /// The value, and the rest of its TTL.
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
