//! How long to wait before the next try. AWS documents none of its timings.

use std::time::Duration;

use rand::Rng;

/// Waits that double, with jitter, up to a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The longest first wait.
    pub first: Duration,
    /// The longest wait of all.
    pub longest: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(100),
            longest: Duration::from_secs(10),
        }
    }
}

impl Backoff {
    /// The wait after `failures` tries in a row have failed: between half of
    /// its bound and all of it.
    #[must_use]
    pub fn after(&self, failures: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(failures.saturating_sub(1));
        let bound = self.first.saturating_mul(doubled).min(self.longest);
        bound.mul_f64(rand::rng().random_range(0.5..=1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::Backoff;
    use std::time::Duration;

    #[test]
    fn waits_grow_from_the_first_to_the_longest_and_stay_there() {
        let backoff = Backoff::default();
        for failures in 1..100 {
            let wait = backoff.after(failures);
            assert!(wait >= Duration::from_millis(50) && wait <= Duration::from_secs(10));
        }
        assert!(backoff.after(50) >= Duration::from_secs(5));
    }
}
