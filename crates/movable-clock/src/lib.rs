//! The time of day, which a test can move forward.
//!
//! Everything that expires or ages takes the time from one [`Clock`]. A test then advances
//! it instead of waiting, and all of it expires together.
//!
//! ```
//! use std::time::Duration;
//!
//! use movable_clock::Clock;
//!
//! let clock = Clock::system();
//! let before = clock.now();
//! // Its clones move too.
//! clock.clone().advance(Duration::from_hours(1));
//! assert!(clock.now() - before >= Duration::from_hours(1));
//! ```
//!
//! # What is isolated
//!
//! Nothing but the holders of this clock: the system's time, tokio's timers and other
//! clocks stay as they are. Who sleeps until a moment of this clock waits for
//! [`Moves::changed`] too.

#![warn(unreachable_pub)]

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use time::OffsetDateTime;
use tokio::{sync::watch, time::Instant};

/// A time of day that only goes forward, and further with [`Clock::advance`]. Clones are
/// the same clock.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    source: Source,
    advanced: Arc<Advanced>,
}

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

#[derive(Debug, Default)]
struct Advanced {
    /// Microseconds in all. Read at every look at the clock, so outside the channel.
    micros: AtomicU64,
    moved: watch::Sender<()>,
}

impl Clock {
    /// The operating system's wall clock.
    #[must_use]
    pub fn system() -> Self {
        Self::default()
    }

    /// Wall time that starts now and goes with tokio's clock, which a test can pause and
    /// move.
    #[must_use]
    pub fn tokio() -> Self {
        Self::tokio_from(system_micros())
    }

    /// The same, starting at a moment in microseconds since the Unix epoch.
    #[must_use]
    pub fn tokio_from(start: u64) -> Self {
        Self {
            source: Source::Tokio {
                start,
                since: Instant::now(),
            },
            advanced: Arc::default(),
        }
    }

    /// Moves this clock and its clones forward, and wakes whoever waits for
    /// [`Moves::changed`].
    pub fn advance(&self, by: Duration) {
        let by = u64::try_from(by.as_micros()).unwrap_or(u64::MAX);
        let add = |micros: u64| Some(micros.saturating_add(by));
        // Fails only if `add` returns `None`.
        let _ = self.advanced.micros.fetch_update(Relaxed, Relaxed, add);
        self.advanced.moved.send_replace(());
    }

    /// How far it was moved in all.
    #[must_use]
    pub fn advanced(&self) -> Duration {
        Duration::from_micros(self.advanced.micros.load(Relaxed))
    }

    /// The next moves of this clock.
    #[must_use]
    pub fn moves(&self) -> Moves {
        Moves(self.advanced.moved.subscribe())
    }

    /// Microseconds since the Unix epoch.
    #[must_use]
    pub fn micros(&self) -> u64 {
        let unmoved = match self.source {
            Source::System => system_micros(),
            Source::Tokio { start, since } => {
                let passed = u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX);
                start.saturating_add(passed)
            }
        };
        unmoved.saturating_add(self.advanced.micros.load(Relaxed))
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub fn millis(&self) -> u64 {
        self.micros() / 1000
    }

    /// The time of day, in UTC.
    #[must_use]
    pub fn now(&self) -> OffsetDateTime {
        let nanos = i128::from(self.micros()) * 1000;
        // 1970 for a moment after the year 9999.
        OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }

    /// A moment to measure from: comparable with other moments of this clock, and with no
    /// others.
    #[must_use]
    pub fn instant(&self) -> Instant {
        let now = Instant::now();
        now.checked_add(self.advanced()).unwrap_or(now)
    }
}

/// The moves of a clock, for who sleeps until a moment of it.
#[derive(Debug)]
pub struct Moves(watch::Receiver<()>);

impl Moves {
    /// Waits for the next move; one since the last call, or since [`Clock::moves`], counts.
    /// Never returns once the clock is gone.
    pub async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

fn system_micros() -> u64 {
    // A clock set before 1970 reads as 1970; nothing here depends on more.
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::Clock;
    use std::time::Duration;

    const HOUR: Duration = Duration::from_hours(1);

    #[tokio::test(start_paused = true)]
    async fn an_advance_moves_every_reading_of_every_clone() {
        let clock = Clock::tokio();
        let (micros, now, instant) = (clock.micros(), clock.now(), clock.instant());
        clock.clone().advance(HOUR);
        assert_eq!(clock.micros() - micros, 3_600_000_000);
        assert_eq!(clock.now() - now, HOUR);
        assert_eq!(clock.instant() - instant, HOUR);
        assert_eq!(clock.advanced(), HOUR);
    }

    #[tokio::test(start_paused = true)]
    async fn tokio_s_clock_moves_it_too() {
        let clock = Clock::tokio();
        let before = clock.millis();
        tokio::time::advance(HOUR).await;
        clock.advance(HOUR);
        assert_eq!(clock.millis() - before, 7_200_000);
    }

    #[tokio::test(start_paused = true)]
    async fn a_move_wakes_a_sleeper_and_a_missed_one_counts() {
        let clock = Clock::tokio();
        let mut moves = clock.moves();
        let sleeper = tokio::spawn({
            let mut moves = clock.moves();
            async move { moves.changed().await }
        });
        clock.advance(HOUR);
        sleeper.await.unwrap();
        moves.changed().await;
        let again = tokio::time::timeout(HOUR, moves.changed()).await;
        assert!(again.is_err(), "one move is one change");
    }
}
