//! How many records a load writes, and when.

use std::time::Duration;

use tokio::time::Instant;

/// The size and the pace of a load.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// Writers that run at the same time.
    pub threads: u32,
    /// Records of all writers together; the first ones write one more where they cannot
    /// be shared evenly. `None` writes what the feed has.
    pub records: Option<u64>,
    /// No record is sent after this time.
    pub duration: Option<Duration>,
    /// When each record is sent.
    pub pace: Pace,
}

/// When records are sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// As fast as the writers can: each sends its next batch when the one before is
    /// acknowledged.
    Unlimited,
    /// So many records per second, all writers together, however long they take.
    Rate(f64),
    /// As they arrived when they were recorded, by one writer.
    AsRecorded,
}

impl Plan {
    /// The records of one writer, `thread` being counted from 0.
    #[must_use]
    pub fn share(&self, thread: u32) -> u64 {
        let Some(records) = self.records else {
            return u64::MAX;
        };
        let threads = u64::from(self.threads.max(1));
        records / threads + u64::from(u64::from(thread) < records % threads)
    }
}

/// The due times of one writer's records.
pub(crate) struct Schedule {
    pub(crate) started: Instant,
    pub(crate) records: u64,
    /// When the load ends.
    pub(crate) ends: Option<Instant>,
    /// The pause between two records; `None` for no pause.
    interval: Option<Duration>,
}

impl Schedule {
    pub(crate) fn new(started: Instant, plan: Plan, thread: u32) -> Self {
        let interval = match plan.pace {
            Pace::Rate(rate) => Some(Duration::from_secs_f64(f64::from(plan.threads) / rate)),
            Pace::Unlimited | Pace::AsRecorded => None,
        };
        Self {
            started,
            records: plan.share(thread),
            ends: plan.duration.map(|duration| started + duration),
            interval,
        }
    }

    pub(crate) fn intended(&self, record: u64) -> Option<Instant> {
        let interval = self.interval?;
        #[allow(clippy::cast_precision_loss)] // a count of records is far below 2^52
        Some(self.started + interval.mul_f64(record as f64))
    }

    pub(crate) fn due(&self, record: u64) -> Instant {
        self.intended(record).unwrap_or(self.started)
    }

    /// Whether the record is due before the load ends.
    pub(crate) fn has(&self, record: u64) -> bool {
        let ends = self.ends;
        record < self.records
            && ends.is_none_or(|ends| self.due(record) < ends && Instant::now() < ends)
    }

    /// How many records from `first` on are due by now: at least one, at most `most`.
    pub(crate) fn due_by_now(&self, first: u64, most: usize) -> usize {
        let left = usize::try_from(self.records - first).unwrap_or(usize::MAX);
        let most = most.min(left);
        let now = Instant::now();
        (1..most)
            .find(|more| !self.has(first + *more as u64) || self.due(first + *more as u64) > now)
            .unwrap_or(most)
    }
}

#[cfg(test)]
mod tests {
    use super::{Pace, Plan, Schedule};
    use tokio::time::{Duration, Instant, advance};

    fn plan(pace: Pace) -> Plan {
        Plan {
            threads: 2,
            records: Some(2000),
            duration: None,
            pace,
        }
    }

    #[test]
    fn records_that_cannot_be_shared_evenly_are_all_written() {
        let plan = Plan {
            threads: 3,
            records: Some(10),
            ..plan(Pace::Unlimited)
        };
        assert_eq!([0, 1, 2].map(|thread| plan.share(thread)), [4, 3, 3]);
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_rate_a_whole_batch_is_due_at_once() {
        let schedule = Schedule::new(Instant::now(), plan(Pace::Unlimited), 0);
        assert_eq!(schedule.due_by_now(0, 500), 500);
        assert_eq!(schedule.due_by_now(900, 500), 100);
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_is_shared_by_the_writers_and_a_stall_is_caught_up() {
        let schedule = Schedule::new(Instant::now(), plan(Pace::Rate(20.0)), 0);
        assert_eq!(schedule.due_by_now(0, 500), 1);
        advance(Duration::from_secs(1)).await;
        // Ten per second for each writer: the first one, and those of one second.
        assert_eq!(schedule.due_by_now(0, 500), 11);
    }

    #[tokio::test(start_paused = true)]
    async fn a_load_of_one_second_has_the_records_that_are_due_in_it() {
        let plan = Plan {
            records: None,
            duration: Some(Duration::from_secs(1)),
            ..plan(Pace::Rate(20.0))
        };
        let schedule = Schedule::new(Instant::now(), plan, 0);
        assert!(schedule.has(9), "due after 0.9 s");
        assert!(!schedule.has(10), "due after 1 s");
        advance(Duration::from_secs(2)).await;
        assert!(!schedule.has(0), "the second is over");
    }
}
