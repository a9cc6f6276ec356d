//! How long the cache keeps a value.

use std::time::Duration;

/// The times to live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ttl {
    /// `CACHE_TTL_SECONDS`: for an item.
    pub present: Duration,
    /// `CACHE_NEGATIVE_TTL_SECONDS`: for an item's absence. Keep it short: a new
    /// item stays invisible for this long.
    pub absent: Duration,
    /// `CACHE_TTL_JITTER_PERCENT`: the most to take off at random, so that values
    /// cached together do not expire together.
    pub jitter_percent: u16,
}

impl Ttl {
    /// The TTL for an item.
    #[must_use]
    pub fn for_present(&self) -> Duration {
        self.jittered(self.present)
    }

    /// The TTL for an item's absence.
    #[must_use]
    pub fn for_absent(&self) -> Duration {
        self.jittered(self.absent)
    }

    /// Jitter only shortens: the configured TTL promises how fresh a value is.
    fn jittered(&self, ttl: Duration) -> Duration {
        let share = f64::from(self.jitter_percent) / 100.0;
        ttl.mul_f64(1.0 - share * fastrand::f64())
    }
}

#[cfg(test)]
mod tests {
    use super::Ttl;
    use std::{collections::HashSet, time::Duration};

    #[test]
    fn jitter_only_shortens_a_ttl() {
        let ttl = Ttl {
            present: Duration::from_secs(100),
            absent: Duration::from_secs(10),
            jitter_percent: 10,
        };
        let drawn: HashSet<_> = (0..1000).map(|_| ttl.for_present()).collect();
        assert!(drawn.len() > 900, "{} of 1000 differ", drawn.len());
        for present in drawn {
            assert!((90..=100).contains(&present.as_secs()), "{present:?}");
        }
        assert!(ttl.for_absent() <= ttl.absent);
    }

    #[test]
    fn without_jitter_a_ttl_is_the_configured_one() {
        let ttl = Ttl {
            present: Duration::from_secs(10),
            absent: Duration::from_secs(2),
            jitter_percent: 0,
        };
        assert_eq!(ttl.for_present(), ttl.present);
        assert_eq!(ttl.for_absent(), ttl.absent);
    }
}
