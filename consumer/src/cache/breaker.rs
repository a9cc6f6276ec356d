//! A circuit breaker: after too many failures it withholds calls for a while.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::time::Instant;

use crate::config::{BREAKER_WINDOW, BreakerPolicy};

/// Which calls the breaker lets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// All calls.
    Closed,
    /// One probe, whose result closes or opens the breaker.
    HalfOpen,
    /// No call.
    Open,
}

impl BreakerState {
    /// As a metric: 0 closed, 0.5 half-open, 1 open.
    #[must_use]
    pub fn gauge(self) -> f64 {
        match self {
            Self::Closed => 0.0,
            Self::HalfOpen => 0.5,
            Self::Open => 1.0,
        }
    }
}

/// The breaker's state machine.
#[derive(Debug)]
pub(super) struct Breaker {
    policy: BreakerPolicy,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// Whether each of the last calls failed, oldest first.
    failed: VecDeque<bool>,
    phase: Phase,
    /// Grows with each change of phase, so that the result of a call from an
    /// earlier phase is ignored.
    number: u64,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    Closed,
    Open { until: Instant },
    Probing,
}

/// Permission for one call. Dropped without a result, the call does not count; if
/// it was the probe, the next call becomes the probe.
#[derive(Debug)]
pub(super) struct Permit<'a> {
    breaker: &'a Breaker,
    number: u64,
}

impl Breaker {
    /// A closed breaker.
    pub(super) fn new(policy: BreakerPolicy) -> Self {
        Self {
            policy,
            inner: Mutex::new(Inner {
                failed: VecDeque::with_capacity(BREAKER_WINDOW.into()),
                phase: Phase::Closed,
                number: 0,
            }),
        }
    }

    /// Permission for a call; `None` while the breaker is open.
    pub(super) fn permit(&self) -> Option<Permit<'_>> {
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

    /// The current state.
    pub(super) fn state(&self) -> BreakerState {
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

    fn open(&mut self, policy: BreakerPolicy) {
        self.enter(Phase::Open {
            until: Instant::now() + policy.open_for,
        });
    }

    /// Adds a call's result; returns how many of the last calls failed.
    fn add(&mut self, failed: bool) -> usize {
        if self.failed.len() == usize::from(BREAKER_WINDOW) {
            self.failed.pop_front();
        }
        self.failed.push_back(failed);
        self.failed.iter().filter(|failed| **failed).count()
    }
}

impl Permit<'_> {
    /// Reports a call that succeeded; returns whether it closed the breaker.
    pub(super) fn succeeded(self) -> bool {
        let mut inner = self.breaker.lock();
        if inner.number != self.number {
            return false;
        }
        let probing = matches!(inner.phase, Phase::Probing);
        if probing {
            inner.enter(Phase::Closed);
        } else {
            inner.add(false);
        }
        probing
    }

    /// Reports a call that failed; returns whether it opened the breaker.
    pub(super) fn failed(self) -> bool {
        let mut inner = self.breaker.lock();
        if inner.number != self.number {
            return false;
        }
        let policy = self.breaker.policy;
        let opens =
            matches!(inner.phase, Phase::Probing) || inner.add(true) >= policy.failures.into();
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

#[cfg(test)]
mod tests {
    use super::{Breaker, BreakerState};
    use crate::config::{BREAKER_WINDOW, BreakerPolicy};
    use std::time::Duration;
    use tokio::time::advance;

    const POLICY: BreakerPolicy = BreakerPolicy {
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
        for call in 0..10 * BREAKER_WINDOW {
            let permit = breaker.permit().unwrap();
            if call % 5 == 0 {
                assert!(!permit.failed());
            } else {
                permit.succeeded();
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
    async fn after_its_time_one_probe_closes_or_opens_it() {
        let breaker = open();
        advance(POLICY.open_for).await;
        assert_eq!(breaker.state(), BreakerState::HalfOpen);
        let probe = breaker.permit().unwrap();
        assert!(breaker.permit().is_none(), "a second probe");
        assert!(probe.failed());
        assert_eq!(breaker.state(), BreakerState::Open);

        advance(POLICY.open_for).await;
        assert!(breaker.permit().unwrap().succeeded());
        assert_eq!(breaker.state(), BreakerState::Closed);
        assert!(breaker.permit().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_cancelled_probe_the_next_call_is_the_probe() {
        let breaker = open();
        advance(POLICY.open_for).await;
        drop(breaker.permit().unwrap());
        assert!(breaker.permit().unwrap().succeeded());
        assert_eq!(breaker.state(), BreakerState::Closed);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_from_before_the_breaker_opened_does_not_count_afterwards() {
        let breaker = Breaker::new(POLICY);
        let (succeeded, failed) = (breaker.permit().unwrap(), breaker.permit().unwrap());
        for _ in 0..POLICY.failures {
            breaker.permit().unwrap().failed();
        }
        assert!(!succeeded.succeeded());
        assert_eq!(breaker.state(), BreakerState::Open);
        advance(POLICY.open_for).await;
        breaker.permit().unwrap().succeeded();
        assert!(!failed.failed());
        assert_eq!(breaker.state(), BreakerState::Closed);
    }
}
