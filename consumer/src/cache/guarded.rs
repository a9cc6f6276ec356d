//! A cache behind the circuit breaker.

use std::{sync::Arc, time::Duration};

use super::{
    Cache, CacheError,
    breaker::{Breaker, Permit},
};
use crate::{config::BreakerPolicy, metrics::Metrics};

/// A cache behind the circuit breaker: while it is open, calls fail at once with
/// [`CacheError::BreakerOpen`].
pub struct Guarded<C> {
    cache: C,
    breaker: Breaker,
    metrics: Arc<Metrics>,
}

impl<C: Cache> Guarded<C> {
    /// Guards `cache` with a breaker that follows `policy`.
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
            self.count_state();
        }
        permit.ok_or(CacheError::BreakerOpen)
    }

    fn settle<T>(&self, permit: Permit<'_>, done: &Result<T, CacheError>) {
        match done {
            // After an argument error, the cache works.
            Err(error) if !error.is_of_the_argument() => {
                if permit.failed() {
                    self.metrics.update(|sample| sample.breaker_opened += 1);
                    tracing::warn!(%error, "circuit breaker opened: the cache keeps failing; reading DynamoDB for now");
                }
            }
            _ => {
                if permit.succeeded() {
                    tracing::info!("circuit breaker closed: the cache works again");
                }
            }
        }
        self.count_state();
    }

    fn count_state(&self) {
        let state = self.breaker.state();
        self.metrics
            .update(|sample| sample.breaker_open = Some(state.gauge()));
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
    async fn an_open_breaker_withholds_every_call() {
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
    async fn an_argument_error_does_not_count_as_a_failure() {
        let cache = FakeCache::default();
        cache.fail_next(usize::MAX, refused(InvalidArgumentError));
        let cache = Guarded::new(cache, POLICY, Arc::new(Metrics::default()));
        for _ in 0..50 {
            let refusal = cache.get("Car").await;
            assert_eq!(refusal, Err(refused(InvalidArgumentError)));
        }
    }
}
