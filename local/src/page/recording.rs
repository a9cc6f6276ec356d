//! What is recorded of a run that is over: its samples, and the journeys that explain it.

use std::{sync::Arc, time::Duration};

use serde::Serialize;

use super::{
    Page,
    journey::{self, Journey},
    recorder::{Recorded, State, Status},
    remembered::Remembered,
    sample::Sample,
    sampler::Sampling,
};

/// Journeys of slow records, and of records that failed.
const MOST_JOURNEYS: usize = 10;

/// What is recorded of a run.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Recording {
    /// How much time a sample covers, milliseconds.
    pub sample_ms: u64,
    /// The samples, the oldest first.
    pub samples: Vec<Arc<Sample>>,
    /// How many records are kept, the newest ones of the run: the slowest are among them.
    pub kept: usize,
    /// The records that took longest from their put until they were processed.
    pub slowest: Vec<Journey>,
    /// The records that were discarded or retried, the first ones.
    pub failed: Vec<Journey>,
}

impl Page {
    /// Records from now on, for [`Page::recording`].
    pub fn record_run(&self) {
        self.record_as(Sampling::RUN);
    }

    /// What was recorded since [`Page::record_run`].
    pub async fn recording(&self) -> Recording {
        // What happened since the last sample is in the next one.
        let mut samples = self.0.samples.follow();
        let _ = tokio::time::timeout(Duration::from_secs(2), samples.changed()).await;
        // Whoever has recorded before has chosen.
        let every = self.0.samples.every.get();
        let every = every.copied().unwrap_or(Sampling::RUN.every);
        let shown = self.0.shown.get();
        let url = shown.and_then(|shown| shown.aws_url.as_deref());
        let url = url.unwrap_or_default();
        let state = self.0.recorder.state();
        let slowest = slowest(&state).into_iter().take(MOST_JOURNEYS);
        Recording {
            sample_ms: u64::try_from(every.as_millis()).unwrap_or(u64::MAX),
            samples: self.0.samples.kept(),
            kept: state.records.len(),
            slowest: slowest.map(|one| journey::of(&state, one, url)).collect(),
            failed: failed(&state, &self.0.remembered, url),
        }
    }
}

/// The processed records, the slowest first.
fn slowest(state: &State) -> Vec<&Recorded> {
    let records = state.records.newest().map(|(_, record)| record);
    let processed = records.filter(|record| record.status() == Status::Processed);
    let latency = |record: &Recorded| record.latency_ms().unwrap_or(0.0);
    let mut processed: Vec<_> = processed.collect();
    processed.sort_by(|one, other| latency(other).total_cmp(&latency(one)));
    processed
}

/// The journeys of records that are discarded, then of those that an invocation did not process
/// at once; the first ones first.
fn failed(state: &State, remembered: &Remembered, aws_url: &str) -> Vec<Journey> {
    let displaced = remembered.displaced(state);
    let displaced = displaced.iter();
    let displaced = displaced.map(|(number, failed)| (*number, &failed.record, Some(failed)));
    let kept = state.records.newest();
    let kept = kept.filter(|(_, record)| record.failed);
    let kept = kept.map(|(number, record)| (number, record, None));
    let mut failed: Vec<_> = kept.chain(displaced).collect();
    failed.sort_by_key(|(number, record, _)| (record.status() != Status::Discarded, *number));
    let failed = failed.into_iter().take(MOST_JOURNEYS);
    let journeys = failed.map(|(_, record, remembered)| match remembered {
        Some(failed) => failed.journey(aws_url),
        None => journey::of(state, record, aws_url),
    });
    journeys.collect()
}
