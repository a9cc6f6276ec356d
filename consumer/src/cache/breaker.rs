//! A circuit breaker: a cache that keeps failing is left alone for a while.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::{Cache, CacheError};
use crate::metrics::Metrics;

/// How many of the last calls are judged.
pub const WINDOW: u16 = 20;

/// When the breaker opens, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// `CACHE_BREAKER_FAILURES`: it opens when so many of the last [`WINDOW`]
    /// calls failed.
    pub failures: u16,
    /// `CACHE_BREAKER_OPEN_MS`: how long no call is made, until one is tried.
    pub open_for: Duration,
}

/// What the breaker lets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// Every call.
    Closed,
    /// One call, which decides.
    HalfOpen,
    /// None.
    Open,
}

/// The breaker alone: who may call, and what came of it.
#[derive(Debug)]
struct Breaker {
    policy: Policy,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// The last calls, oldest first, and whether each failed.
    failed: VecDeque<bool>,
    phase: Phase,
    /// Grows with each change of phase: a call of an earlier one says nothing
    /// of this one.
    number: u64,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    Closed,
    Open { until: Instant },
    Probing,
}

/// Leave to make one call. Dropped without a verdict, the call says nothing;
/// if it was the probe, the next call is.
#[derive(Debug)]
struct Permit<'a> {
    breaker: &'a Breaker,
    number: u64,
}

impl Breaker {
    /// A closed breaker.
    fn new(policy: Policy) -> Self {
        Self {
            policy,
            inner: Mutex::new(Inner {
                failed: VecDeque::with_capacity(WINDOW.into()),
                phase: Phase::Closed,
                number: 0,
            }),
        }
    }

    /// Leave to make a call, unless the breaker is open.
    fn permit(&self) -> Option<Permit<'_>> {
        let mut inner = self.lock();
        match inner.phase {
            Phase::Closed => {}
            Phase::Open { until } if Instant::now() >= until => inner.enter(Phase::Probing),
            Phase::Open { .. } | Phase::Probing => return None,
        }
        Some(Permit {
            breaker: self,
            number: inner.number,
        })
    }

    /// What it lets through now.
    fn state(&self) -> BreakerState {
        match self.lock().phase {
            Phase::Closed => BreakerState::Closed,
            Phase::Open { until } if Instant::now() < until => BreakerState::Open,
            Phase::Open { .. } | Phase::Probing => BreakerState::HalfOpen,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.number += 1;
        self.failed.clear();
    }

    fn open(&mut self, policy: Policy) {
        self.enter(Phase::Open {
            until: Instant::now() + policy.open_for,
        });
    }

    /// Takes note of a call, and says how many of the last ones failed.
    fn note(&mut self, failed: bool) -> usize {
        if self.failed.len() == usize::from(WINDOW) {
            self.failed.pop_front();
        }
        self.failed.push_back(failed);
        self.failed.iter().filter(|failed| **failed).count()
    }
}

impl Permit<'_> {
    /// The call was answered. Says whether that closed the breaker.
    fn answered(self) -> bool {
        let mut inner = self.breaker.lock();
        if inner.number != self.number {
            return false;
        }
        let probing = matches!(inner.phase, Phase::Probing);
        if probing {
            inner.enter(Phase::Closed);
        } else {
            inner.note(false);
        }
        probing
    }

    /// The call failed. Says whether that opened the breaker, for the first
    /// time or again.
    fn failed(self) -> bool {
        let mut inner = self.breaker.lock();
        if inner.number != self.number {
            return false;
        }
        let policy = self.breaker.policy;
        let opens =
            matches!(inner.phase, Phase::Probing) || inner.note(true) >= policy.failures.into();
        if opens {
            inner.open(policy);
        }
        opens
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut inner = self.breaker.lock();
        if inner.number == self.number && matches!(inner.phase, Phase::Probing) {
            let until = Instant::now();
            inner.enter(Phase::Open { until });
        }
    }
}

/// A cache behind a breaker.
pub struct Guarded<C> {
    cache: C,
    breaker: Breaker,
    metrics: Arc<Metrics>,
}

impl<C: Cache> Guarded<C> {
    /// `cache`, left alone as `policy` says.
    pub fn new(cache: C, policy: Policy, metrics: Arc<Metrics>) -> Self {
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
        self.metrics.note(|sample| sample.breaker = Some(state));
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
    use super::{Breaker, BreakerState, Guarded, Policy, WINDOW};
    use crate::{
        cache::{Cache, CacheError},
        fakes::{FakeCache, refused},
        metrics::Metrics,
    };
    use ::momento::MomentoErrorCode::{InvalidArgumentError, LimitExceededError};
    use std::{sync::Arc, time::Duration};
    use tokio::time::advance;

    const POLICY: Policy = Policy {
        failures: 5,
        open_for: Duration::from_secs(1),
    };

    fn open() -> Breaker {
        let breaker = Breaker::new(POLICY);
        for _ in 0..POLICY.failures {
            breaker.permit().unwrap().failed();
        }
        breaker
    }

    #[tokio::test(start_paused = true)]
    async fn it_opens_when_too_many_of_the_last_calls_failed() {
        let breaker = Breaker::new(POLICY);
        // One in five: four among any twenty.
        for call in 0..10 * WINDOW {
            let permit = breaker.permit().unwrap();
            if call % 5 == 0 {
                assert!(!permit.failed());
            } else {
                permit.answered();
            }
        }
        assert_eq!(breaker.state(), BreakerState::Closed);
        for _ in 0..3 {
            if let Some(permit) = breaker.permit() {
                permit.failed();
            }
        }
        assert_eq!(breaker.state(), BreakerState::Open);
        assert!(breaker.permit().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn after_its_time_one_call_is_let_through_and_decides() {
        let breaker = open();
        advance(POLICY.open_for).await;
        assert_eq!(breaker.state(), BreakerState::HalfOpen);
        let probe = breaker.permit().unwrap();
        assert!(breaker.permit().is_none(), "a second probe");
        assert!(probe.failed());
        assert_eq!(breaker.state(), BreakerState::Open);

        advance(POLICY.open_for).await;
        assert!(breaker.permit().unwrap().answered());
        assert_eq!(breaker.state(), BreakerState::Closed);
        assert!(breaker.permit().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_is_given_up_leaves_its_place_to_the_next_call() {
        let breaker = open();
        advance(POLICY.open_for).await;
        drop(breaker.permit().unwrap());
        assert!(breaker.permit().unwrap().answered());
        assert_eq!(breaker.state(), BreakerState::Closed);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_made_before_it_opened_says_nothing_of_the_time_after() {
        let breaker = Breaker::new(POLICY);
        let (answered, failed) = (breaker.permit().unwrap(), breaker.permit().unwrap());
        for _ in 0..POLICY.failures {
            breaker.permit().unwrap().failed();
        }
        assert!(!answered.answered());
        assert_eq!(breaker.state(), BreakerState::Open);
        advance(POLICY.open_for).await;
        breaker.permit().unwrap().answered();
        assert!(!failed.failed());
        assert_eq!(breaker.state(), BreakerState::Closed);
    }

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
        assert_eq!(sample.breaker, Some(BreakerState::Open));
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
        assert_eq!(metrics.take().breaker, Some(BreakerState::Open));
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
