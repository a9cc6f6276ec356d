//! A cache behind a circuit breaker.

use std::{sync::Arc, time::Duration};

use super::{
    Cache, CacheError,
    breaker::{Breaker, Permit},
};
use crate::{config::BreakerPolicy, metrics::Metrics};

/// A cache behind a breaker.
pub struct Guarded<C> {
    cache: C,
    breaker: Breaker,
    metrics: Arc<Metrics>,
}

impl<C: Cache> Guarded<C> {
    /// `cache`, left alone as `policy` says.
    pub fn new(cache: C, policy: BreakerPolicy, metrics: Arc<Metrics>) -> Self {
        Self {
            cache,
            breaker: Breaker::new(policy),
            metrics,
        }
    }

    fn permit(&self) -> Result<Permit<'_>, CacheError> {
        let permit = self.breaker.permit();
        if permit.is_none() {
            self.note_state();
        }
        permit.ok_or(CacheError::BreakerOpen)
    }

    fn settle<T>(&self, permit: Permit<'_>, done: &Result<T, CacheError>) {
        match done {
            // Such an error is an answer: the cache works.
            Err(error) if !error.is_of_the_argument() => {
                if permit.failed() {
                    self.metrics.note(|sample| sample.breaker_opened += 1);
                    tracing::warn!(%error, "the cache keeps failing; it is left alone for a while, and records are read from DynamoDB");
                }
            }
            _ => {
                if permit.answered() {
                    tracing::info!("the cache answers again");
                }
            }
        }
        self.note_state();
    }

    fn note_state(&self) {
        let state = self.breaker.state();
        self.metrics
            .note(|sample| sample.breaker_open = Some(state.gauge()));
    }
}

impl<C: Cache> Cache for Guarded<C> {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, CacheError> {
        let permit = self.permit()?;
        let done = self.cache.get(key).await;
        self.settle(permit, &done);
        done
    }

    async fn set(&self, key: &str, value: &[u8], ttl: Duration) -> Result<(), CacheError> {
        let permit = self.permit()?;
        let done = self.cache.set(key, value, ttl).await;
        self.settle(permit, &done);
        done
    }
}

#[cfg(test)]
mod tests {
    use super::Guarded;
    use crate::{
        cache::{Cache, CacheError, breaker::BreakerState},
        config::BreakerPolicy,
        fakes::{FakeCache, refused},
        metrics::Metrics,
    };
    use ::momento::MomentoErrorCode::{InvalidArgumentError, LimitExceededError};
    use std::{sync::Arc, time::Duration};

    const POLICY: BreakerPolicy = BreakerPolicy {
        failures: 5,
        open_for: Duration::from_secs(1),
    };

    #[tokio::test(start_paused = true)]
    async fn a_cache_behind_an_open_breaker_is_not_asked() {
        let cache = FakeCache::default();
        cache.fail_next(usize::MAX, refused(LimitExceededError));
        let metrics = Arc::new(Metrics::default());
        let cache = Guarded::new(cache, POLICY, metrics.clone());
        for _ in 0..50 {
            assert!(cache.get("Car").await.is_err());
        }
        assert_eq!(cache.cache.calls(), usize::from(POLICY.failures));
        assert_eq!(cache.get("Car").await, Err(CacheError::BreakerOpen));
        let sample = metrics.take();
        assert_eq!(sample.breaker_opened, 1);
        assert_eq!(sample.breaker_open, Some(BreakerState::Open.gauge()));
    }

    #[tokio::test(start_paused = true)]
    async fn the_state_is_in_the_metrics_when_every_call_was_withheld() {
        let cache = FakeCache::default();
        cache.fail_next(usize::MAX, refused(LimitExceededError));
        let metrics = Arc::new(Metrics::default());
        let cache = Guarded::new(cache, POLICY, metrics.clone());
        for _ in 0..POLICY.failures {
            assert!(cache.get("Car").await.is_err());
        }
        metrics.take();
        assert_eq!(cache.get("Car").await, Err(CacheError::BreakerOpen));
        assert_eq!(
            metrics.take().breaker_open,
            Some(BreakerState::Open.gauge())
        );
    }

    #[tokio::test(start_paused = true)]
    async fn an_argument_that_the_cache_refuses_is_no_failure_of_the_cache() {
        let cache = FakeCache::default();
        cache.fail_next(usize::MAX, refused(InvalidArgumentError));
        let cache = Guarded::new(cache, POLICY, Arc::new(Metrics::default()));
        for _ in 0..50 {
            let refusal = cache.get("Car").await;
            assert_eq!(refusal, Err(refused(InvalidArgumentError)));
        }
    }
}
