//! Runs the writers of a load, one per thread.

use std::{sync::Arc, time::Duration};

use hdrhistogram::Histogram;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::{
    record::Reading,
    report::{Report, latencies},
    writer::{Outcome, WriteError, Writer},
};

/// How many records to write, and how fast.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// Writers that run at the same time.
    pub threads: u32,
    /// Records of all writers together; the first ones write one more where they
    /// cannot be shared evenly.
    pub records: u64,
    /// Records per second, all writers together; `None` writes as fast as possible.
    pub rate: Option<f64>,
}

impl Plan {
    /// The records of one writer, `thread` being counted from 0.
    #[must_use]
    pub fn share(&self, thread: u32) -> u64 {
        let threads = u64::from(self.threads.max(1));
        self.records / threads + u64::from(u64::from(thread) < self.records % threads)
    }
}

/// The result of a load.
#[derive(Debug)]
pub struct Done {
    /// What was written before the load ended or was stopped.
    pub report: Report,
    /// The error that ended the load early.
    pub error: Option<WriteError>,
}

/// Called with the number of records that were just written or refused.
pub type Progress = Arc<dyn Fn(u64) + Send + Sync>;

/// The results of one writer.
struct Share {
    outcome: Outcome,
    latency_us: Histogram<u64>,
    error: Option<WriteError>,
}

/// Runs `plan`. If `stop` is cancelled or a writer hits a fatal error, all writers
/// finish their batches in flight and send no more. The report covers everything
/// up to then.
pub async fn run(
    writer: &Writer,
    plan: Plan,
    progress: Progress,
    stop: &CancellationToken,
) -> Done {
    let started = Instant::now();
    // One writer's error stops all writers, but must not look like the caller's stop.
    let stop = stop.child_token();
    let mut writers = JoinSet::new();
    for thread in 0..plan.threads {
        let schedule = Schedule::new(started, plan, thread);
        writers.spawn(write_share(
            writer.clone(),
            schedule,
            progress.clone(),
            stop.clone(),
        ));
    }
    let mut total = Outcome::default();
    let mut latency_us = latencies();
    let mut error = None;
    while let Some(joined) = writers.join_next().await {
        let share = joined.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
        error = error.or(share.error);
        total.written += share.outcome.written;
        total.failed += share.outcome.failed;
        total.retries += share.outcome.retries;
        // Cannot fail: both have the same bounds.
        let _ = latency_us.add(share.latency_us);
    }
    Done {
        report: Report::new(plan.records, total, started.elapsed(), &latency_us),
        error,
    }
}

async fn write_share(
    writer: Writer,
    schedule: Schedule,
    progress: Progress,
    stop: CancellationToken,
) -> Share {
    let mut share = Share {
        outcome: Outcome::default(),
        latency_us: latencies(),
        error: None,
    };
    let mut next = 0;
    while next < schedule.records {
        tokio::select! {
            () = sleep_until(schedule.due(next)) => {}
            () = stop.cancelled() => break,
        }
        if stop.is_cancelled() {
            break;
        }
        let count = schedule.due_by_now(next, writer.batch_size());
        let readings: Vec<_> = (0..count).map(|_| Reading::random()).collect();
        let sent = Instant::now();
        let written = writer
            .write(&readings, &mut share.outcome, |index, at| {
                // Measured from the due time, not the send time, so that a stall
                // shows in every record that it delays.
                let intended = schedule.intended(next + index as u64).unwrap_or(sent);
                let micros = u64::try_from((at - intended).as_micros()).unwrap_or(u64::MAX);
                share.latency_us.saturating_record(micros);
            })
            .await;
        if let Err(error) = written {
            share.error = Some(error);
            stop.cancel();
            break;
        }
        next += count as u64;
        progress(count as u64);
    }
    share
}

/// The due times of one writer's records.
struct Schedule {
    started: Instant,
    records: u64,
    /// The pause between two records; `None` for no pause.
    interval: Option<Duration>,
}

impl Schedule {
    fn new(started: Instant, plan: Plan, thread: u32) -> Self {
        Self {
            started,
            records: plan.share(thread),
            interval: plan
                .rate
                .map(|rate| Duration::from_secs_f64(f64::from(plan.threads) / rate)),
        }
    }

    fn intended(&self, record: u64) -> Option<Instant> {
        let interval = self.interval?;
        #[allow(clippy::cast_precision_loss)] // a count of records is far below 2^52
        Some(self.started + interval.mul_f64(record as f64))
    }

    fn due(&self, record: u64) -> Instant {
        self.intended(record).unwrap_or(self.started)
    }

    /// How many records from `first` on are due by now: at least one, at most `most`.
    fn due_by_now(&self, first: u64, most: usize) -> usize {
        let left = usize::try_from(self.records - first).unwrap_or(usize::MAX);
        let most = most.min(left);
        let now = Instant::now();
        (1..most)
            .find(|more| self.due(first + *more as u64) > now)
            .unwrap_or(most)
    }
}

#[cfg(test)]
mod tests {
    use super::{Plan, Schedule};
    use tokio::time::{Duration, Instant, advance};

    fn plan(rate: Option<f64>) -> Plan {
        Plan {
            threads: 2,
            records: 2000,
            rate,
        }
    }

    #[test]
    fn records_that_cannot_be_shared_evenly_are_all_written() {
        let plan = Plan {
            threads: 3,
            records: 10,
            rate: None,
        };
        assert_eq!([0, 1, 2].map(|thread| plan.share(thread)), [4, 3, 3]);
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_rate_a_whole_batch_is_due_at_once() {
        let schedule = Schedule::new(Instant::now(), plan(None), 0);
        assert_eq!(schedule.due_by_now(0, 500), 500);
        assert_eq!(schedule.due_by_now(900, 500), 100);
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_is_shared_by_the_writers_and_a_stall_is_caught_up() {
        let schedule = Schedule::new(Instant::now(), plan(Some(20.0)), 0);
        assert_eq!(schedule.due_by_now(0, 500), 1);
        advance(Duration::from_secs(1)).await;
        // Ten per second for each writer: the first one, and those of one second.
        assert_eq!(schedule.due_by_now(0, 500), 11);
    }
}
