//! The time, as the engine sees it.

use std::time::{SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// Where the engine takes the time from, so that expiry, retention and
/// throttling can be tested without waiting for them.
#[derive(Debug, Clone, Default)]
pub struct Clock(Source);

#[derive(Debug, Clone, Copy, Default)]
enum Source {
    #[default]
    System,
    Tokio {
        /// Microseconds since the Unix epoch at `since`.
        start: u64,
        since: Instant,
    },
}

impl Clock {
    /// The operating system's wall clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// Wall time that starts now and advances with tokio's clock, which a test
    /// can pause and move.
    #[must_use]
    pub fn tokio() -> Self {
        Self(Source::Tokio {
            start: system_micros(),
            since: Instant::now(),
        })
    }

    /// Microseconds since the Unix epoch.
    #[must_use]
    pub fn micros(&self) -> u64 {
        match self.0 {
            Source::System => system_micros(),
            Source::Tokio { start, since } => {
                let passed = u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX);
                start.saturating_add(passed)
            }
        }
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub fn millis(&self) -> u64 {
        self.micros() / 1000
    }
}

fn system_micros() -> u64 {
    // A clock set before 1970 reads as 1970; nothing here depends on more.
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
