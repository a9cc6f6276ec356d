//! A deadline around each call of a cache.

use std::time::Duration;

use super::{Cache, CacheError};
use crate::deadline::Deadline;

impl<C: Cache> Cache for Deadline<C> {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, CacheError> {
        self.limited(self.inner.get(key))
            .await
            .unwrap_or(Err(CacheError::Timeout(self.limit)))
    }

    async fn set(&self, key: &str, value: &[u8], ttl: Duration) -> Result<(), CacheError> {
        self.limited(self.inner.set(key, value, ttl))
            .await
            .unwrap_or(Err(CacheError::Timeout(self.limit)))
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        cache::{Cache, CacheError},
        deadline::Deadline,
        fakes::FakeCache,
    };
    use std::time::Duration;
    use tokio::time::Instant;

    const LIMIT: Duration = Duration::from_millis(50);

    #[tokio::test(start_paused = true)]
    async fn a_cache_that_never_answers_costs_the_deadline_only() {
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
}
