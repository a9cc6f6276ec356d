//! Runs the writers of a load.

use std::{sync::Arc, time::Duration};

use hdrhistogram::Histogram;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::{
    feed::Feed,
    files::FeedError,
    plan::{Pace, Plan, Schedule},
    record::Record,
    report::{Report, latencies},
    writer::{Outcome, Put, WriteError, Writer},
};

/// The result of a load.
#[derive(Debug)]
pub struct Done {
    /// What was written before the load ended or was stopped.
    pub report: Report,
    /// The error that ended the load early.
    pub error: Option<LoadError>,
}

/// Why a load ended early.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A retry cannot help.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// There are no records to write.
    #[error(transparent)]
    Feed(#[from] FeedError),
}

/// Sees a load. The writers wait for these methods: they must not block.
pub trait LoadObserver: Send + Sync {
    /// So many records were just acknowledged or refused.
    fn progress(&self, records: u64) {
        let _ = records;
    }

    /// A record was acknowledged, or refused for the last time.
    fn put(&self, record: &Record, put: &Put<'_>) {
        let _ = (record, put);
    }
}

/// Observes nothing.
#[derive(Debug, Clone, Copy)]
pub struct NoObserver;

impl LoadObserver for NoObserver {}

/// What the writers of one load share.
#[derive(Clone)]
struct Shared {
    writer: Writer,
    feed: Arc<Feed>,
    observer: Arc<dyn LoadObserver>,
    stop: CancellationToken,
}

/// The results of one writer.
struct Share {
    outcome: Outcome,
    latency_us: Histogram<u64>,
    stopped: bool,
    error: Option<LoadError>,
}

/// Runs `plan`. If `stop` is cancelled or a writer hits a fatal error, all writers
/// finish their batches in flight and send no more. The report covers everything
/// up to then.
pub async fn run(
    writer: &Writer,
    feed: Arc<Feed>,
    plan: Plan,
    observer: Arc<dyn LoadObserver>,
    stop: &CancellationToken,
) -> Done {
    let started = Instant::now();
    let shared = Shared {
        writer: writer.clone(),
        feed,
        observer,
        // One writer's error stops all writers, but must not look like the caller's stop.
        stop: stop.child_token(),
    };
    let mut writers = JoinSet::new();
    if plan.pace == Pace::AsRecorded {
        writers.spawn(shared.write_as_recorded(Schedule::new(started, plan, 0)));
    } else {
        for thread in 0..plan.threads {
            let schedule = Schedule::new(started, plan, thread);
            writers.spawn(shared.clone().write_share(schedule));
        }
    }
    let mut total = Outcome::default();
    let mut latency_us = latencies();
    let (mut error, mut stopped) = (None, false);
    while let Some(joined) = writers.join_next().await {
        let share = joined.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
        error = error.or(share.error);
        stopped |= share.stopped;
        total.written += share.outcome.written;
        total.failed += share.outcome.failed;
        total.retries += share.outcome.retries;
        // Cannot fail: both have the same bounds.
        let _ = latency_us.add(share.latency_us);
    }
    let sent = total.written + total.failed;
    let asked = plan.records.filter(|_| stopped).unwrap_or(sent);
    Done {
        report: Report::new(asked, stopped, total, started.elapsed(), &latency_us),
        error,
    }
}

impl Shared {
    /// Writes a share of the records, each when it is due.
    async fn write_share(self, schedule: Schedule) -> Share {
        let mut share = Share::new();
        let mut next = 0;
        while schedule.has(next) {
            tokio::select! {
                () = sleep_until(schedule.due(next)) => {}
                () = self.stop.cancelled() => {}
            }
            let count = schedule.due_by_now(next, self.writer.batch_size());
            let records = self.feed.take(count);
            let Some(records) = self.unless_stopped(&mut share, records).await else {
                break;
            };
            if records.is_empty() {
                break;
            }
            let sent = Instant::now();
            let intended = |index: usize| schedule.intended(next + index as u64).unwrap_or(sent);
            if !self.write(&records, &mut share, intended).await {
                break;
            }
            next += records.len() as u64;
        }
        share
    }

    /// Writes the records in their order, each when it arrived in its recording.
    async fn write_as_recorded(self, schedule: Schedule) -> Share {
        let mut share = Share::new();
        let mut next = 0;
        while schedule.has(next) {
            let after = self.unless_stopped(&mut share, self.feed.next_after());
            let Some(Some(after)) = after.await else {
                break;
            };
            let due = schedule.started + after;
            if schedule.ends.is_some_and(|ends| due >= ends) {
                break;
            }
            tokio::select! {
                () = sleep_until(due) => {}
                () = self.stop.cancelled() => {}
            }
            let most = schedule.records - next;
            let most = usize::try_from(most).unwrap_or(usize::MAX);
            let most = most.min(self.writer.batch_size());
            let records = self.feed.take_until(schedule.started.elapsed(), most);
            let Some(records) = self.unless_stopped(&mut share, records).await else {
                break;
            };
            let intended =
                |index: usize| schedule.started + records[index].after.unwrap_or(Duration::ZERO);
            if !self.write(&records, &mut share, intended).await {
                break;
            }
            next += records.len() as u64;
        }
        share
    }

    /// What `taking` gives; `None` if the load has been stopped, or there is nothing to
    /// take because of an error.
    async fn unless_stopped<T>(
        &self,
        share: &mut Share,
        taking: impl Future<Output = Result<T, FeedError>>,
    ) -> Option<T> {
        let taken = tokio::select! {
            biased;
            () = self.stop.cancelled() => {
                share.stopped = true;
                return None;
            }
            taken = taking => taken,
        };
        taken.map_err(|error| self.fail(share, error.into())).ok()
    }

    /// Writes a batch. Returns whether the load goes on.
    async fn write(
        &self,
        records: &[Record],
        share: &mut Share,
        intended: impl Fn(usize) -> Instant,
    ) -> bool {
        let Share {
            outcome,
            latency_us,
            ..
        } = share;
        let written = self
            .writer
            .write(records, outcome, |index, put| {
                if let Put::Acknowledged { .. } = put {
                    // Measured from the due time, not the send time, so that a stall
                    // shows in every record that it delays.
                    let took = Instant::now() - intended(index);
                    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
                    latency_us.saturating_record(micros);
                }
                self.observer.put(&records[index], &put);
            })
            .await;
        self.observer.progress(records.len() as u64);
        match written {
            Ok(()) => true,
            Err(error) => {
                self.fail(share, error.into());
                false
            }
        }
    }

    fn fail(&self, share: &mut Share, error: LoadError) {
        share.error = Some(error);
        share.stopped = true;
        self.stop.cancel();
    }
}

impl Share {
    fn new() -> Self {
        Self {
            outcome: Outcome::default(),
            latency_us: latencies(),
            stopped: false,
            error: None,
        }
    }
}
