//! How many batches of a queue may be under way at once (Lambda developer guide,
//! "Configuring scaling behavior for SQS event source mappings").

use tokio::time::Instant;

/// Batches of a standard queue that are processed at first.
const START: f64 = 5.0;

/// The fewest that errors leave: "can optimize to as few as 2 concurrent batches".
const FEWEST: f64 = 2.0;

/// "The maximum number of batches that an event source mapping can process
/// simultaneously is 1,000."
const MOST: u32 = 1000;

/// "Up to 300 more instances per minute."
const GROWTH_PER_SECOND: f64 = 300.0 / 60.0;

/// The limit of concurrent batches.
#[derive(Debug)]
pub(super) struct Scaling {
    /// The limit, in parts too: it grows by less than one between two looks.
    limit: f64,
    start: f64,
    most: f64,
    /// Since when all batches are under way, with more messages in the queue.
    saturated: Option<Instant>,
}

impl Scaling {
    /// At most `maximum_concurrency`. The message groups of a FIFO queue limit it on their
    /// own, since SQS returns nothing of a group of which a message is under way; so a
    /// FIFO queue starts at the maximum.
    pub(super) fn new(is_fifo: bool, maximum_concurrency: Option<u32>) -> Self {
        let most = f64::from(maximum_concurrency.unwrap_or(MOST).clamp(1, MOST));
        let start = if is_fifo { most } else { START.min(most) };
        Self {
            limit: start,
            start,
            most,
            saturated: None,
        }
    }

    /// How many batches may be under way.
    pub(super) fn limit(&self) -> usize {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 1 and 1000"
        )]
        let whole = self.limit as usize;
        whole.max(1)
    }

    /// Whether the limit still grows while all batches are under way.
    pub(super) fn grows(&self) -> bool {
        self.saturated.is_some() && self.limit < self.most
    }

    /// All batches are under way and more messages wait.
    pub(super) fn saturated(&mut self, now: Instant) {
        if let Some(since) = self.saturated.replace(now) {
            let seconds = now.saturating_duration_since(since).as_secs_f64();
            self.limit = (self.limit + seconds * GROWTH_PER_SECOND).min(self.most);
        }
    }

    /// Fewer batches are under way than may be.
    pub(super) fn unsaturated(&mut self) {
        self.saturated = None;
    }

    /// A long poll returned no message: "when traffic is low, Lambda scales back".
    pub(super) fn idle(&mut self) {
        self.saturated = None;
        self.limit = self.start;
    }

    /// The function failed or was throttled: "Lambda gradually backs off, reducing the
    /// amount of concurrency" ("Handling errors for an SQS event source in Lambda").
    pub(super) fn back_off(&mut self) {
        self.saturated = None;
        self.limit = (self.limit / 2.0).max(FEWEST.min(self.most));
    }
}

#[cfg(test)]
mod tests {
    use super::Scaling;
    use std::time::Duration;
    use tokio::time::Instant;

    #[test]
    fn a_standard_queue_starts_with_five_batches_and_grows_by_300_in_a_minute() {
        let mut scaling = Scaling::new(false, None);
        assert_eq!(scaling.limit(), 5);
        let start = Instant::now();
        for second in 0..=60 {
            scaling.saturated(start + Duration::from_secs(second));
        }
        assert_eq!(scaling.limit(), 305);
        scaling.saturated(start + Duration::from_mins(10));
        assert_eq!(scaling.limit(), 1000);
        scaling.idle();
        assert_eq!(scaling.limit(), 5);
    }

    #[test]
    fn time_without_messages_to_spare_does_not_count() {
        let mut scaling = Scaling::new(false, None);
        let start = Instant::now();
        scaling.saturated(start);
        scaling.unsaturated();
        scaling.saturated(start + Duration::from_mins(1));
        assert_eq!(scaling.limit(), 5);
    }

    #[test]
    fn the_maximum_concurrency_bounds_the_start_and_the_growth() {
        for is_fifo in [false, true] {
            let mut scaling = Scaling::new(is_fifo, Some(2));
            assert_eq!(scaling.limit(), 2);
            scaling.saturated(Instant::now());
            scaling.saturated(Instant::now() + Duration::from_mins(1));
            assert_eq!(scaling.limit(), 2);
        }
    }

    #[test]
    fn failures_reduce_the_concurrency_to_two_batches() {
        let mut scaling = Scaling::new(false, None);
        scaling.back_off();
        assert_eq!(scaling.limit(), 2);
        scaling.back_off();
        assert_eq!(scaling.limit(), 2);
    }
}
