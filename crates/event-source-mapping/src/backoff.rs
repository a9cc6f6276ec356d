//! How long the mapping waits before it retries.
//!
//! AWS documents no timing of its own retries; "Retain discarded batch records for a
//! Kinesis Data Streams event source in Lambda" says only that Lambda retries until the
//! records expire, exceed `MaximumRecordAgeInSeconds` or use up
//! `MaximumRetryAttempts`. The default here is short, since a developer waits for it.

use std::time::Duration;

use rand::Rng;

/// The factor from one wait to the next.
const GROWTH: f64 = 1.5;

/// Waits that grow by half, with jitter, up to a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The longest first wait.
    pub first: Duration,
    /// The longest wait of all.
    pub longest: Duration,
}

impl Default for Backoff {
    /// 50 ms to 1 s.
    fn default() -> Self {
        Self {
            first: Duration::from_millis(50),
            longest: Duration::from_secs(1),
        }
    }
}

impl Backoff {
    /// The wait after `failures` failed attempts in a row: a random duration between
    /// half of the limit for that many failures and all of it. No wait after none.
    #[must_use]
    pub fn after(&self, failures: u32) -> Duration {
        if failures == 0 {
            return Duration::ZERO;
        }
        let steps = i32::try_from(failures - 1).unwrap_or(i32::MAX);
        let grown = self.first.as_secs_f64() * GROWTH.powi(steps);
        // Compared before it becomes a duration, which cannot hold every float.
        let limit = grown.min(self.longest.as_secs_f64());
        Duration::from_secs_f64(limit * rand::rng().random_range(0.5..=1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::Backoff;
    use std::time::Duration;

    #[test]
    fn waits_grow_from_50_ms_to_one_second_and_stay_there() {
        let backoff = Backoff::default();
        for failures in (1..100).chain([u32::MAX]) {
            let wait = backoff.after(failures);
            assert!(wait >= Duration::from_millis(25), "{wait:?}");
            assert!(wait <= Duration::from_secs(1), "{wait:?}");
        }
        assert!(backoff.after(1) <= Duration::from_millis(50));
        assert!(backoff.after(50) >= Duration::from_millis(500));
        assert_eq!(backoff.after(0), Duration::ZERO);
    }
}
