//! The load: writers side by side, each with its own number of records.

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

/// How much to write, and how fast.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// Writers side by side.
    pub threads: u32,
    /// Records for each writer.
    pub records_per_thread: u64,
    /// Records per second, all writers together; none is as fast as they go.
    pub rate: Option<f64>,
}

impl Plan {
    /// All records of all writers.
    #[must_use]
    pub fn total(&self) -> u64 {
        u64::from(self.threads).saturating_mul(self.records_per_thread)
    }
}

/// What a load came to.
#[derive(Debug)]
pub struct Done {
    /// What was written until the end, or until the load was stopped.
    pub report: Report,
    /// Why the load could not go on.
    pub error: Option<WriteError>,
}

/// Called with the number of records that were just dealt with.
pub type Progress = Arc<dyn Fn(u64) + Send + Sync>;

/// What one writer did.
struct Share {
    outcome: Outcome,
    latency_us: Histogram<u64>,
    error: Option<WriteError>,
}

/// Writes what `plan` says. When `stop` is cancelled, or a writer cannot go on,
/// the batches in flight are finished and no further ones are sent; the report
/// is of what was done until then.
pub async fn run(
    writer: &Writer,
    plan: Plan,
    progress: Progress,
    stop: &CancellationToken,
) -> Done {
    let started = Instant::now();
    // What stops one writer stops them all, and is not the caller's own stop.
    let stop = stop.child_token();
    let mut writers = JoinSet::new();
    for _ in 0..plan.threads {
        let schedule = Schedule::new(started, plan);
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
        // Both have the same bounds, so adding cannot fail.
        let _ = latency_us.add(share.latency_us);
    }
    Done {
        report: Report::new(plan.total(), total, started.elapsed(), &latency_us),
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
            .write(&readings, &mut share.outcome, |place, at| {
                // From when the record was due, not from when it was sent: a
                // stall then shows in every record that it held up.
                let intended = schedule.intended(next + place as u64).unwrap_or(sent);
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

/// When each record of one writer is due.
struct Schedule {
    started: Instant,
    records: u64,
    /// Between two records; none is no waiting at all.
    interval: Option<Duration>,
}

impl Schedule {
    fn new(started: Instant, plan: Plan) -> Self {
        Self {
            started,
            records: plan.records_per_thread,
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

    /// How many records from `first` on are due by now, at least one.
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
            records_per_thread: 1000,
            rate,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_rate_a_whole_batch_is_due_at_once() {
        let schedule = Schedule::new(Instant::now(), plan(None));
        assert_eq!(schedule.due_by_now(0, 500), 500);
        assert_eq!(schedule.due_by_now(900, 500), 100);
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_is_shared_by_the_writers_and_a_stall_is_caught_up() {
        let schedule = Schedule::new(Instant::now(), plan(Some(20.0)));
        assert_eq!(schedule.due_by_now(0, 500), 1);
        advance(Duration::from_secs(1)).await;
        // Ten a second each: the one of the start, and those of the second.
        assert_eq!(schedule.due_by_now(0, 500), 11);
    }
}
