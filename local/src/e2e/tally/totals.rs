//! The counts of a run at one moment.

use std::collections::{BTreeMap, HashSet};

use hdrhistogram::Histogram;
use serde::Serialize;

use super::ledger::{Ledger, State};

/// The counts at one moment.
#[derive(Debug, Clone)]
pub struct Totals {
    /// Records that every mapping's function processed or its filter dropped, each counted
    /// once.
    pub processed: u64,
    /// Records that every mapping filtered out, each counted once.
    pub filtered: u64,
    /// Records that some mapping discarded, each counted once.
    pub discarded: u64,
    /// Times that a function took a record again.
    pub retries: u64,
    /// Invocations.
    pub invocations: u64,
    /// From a record's writing to the end of the invocation that processed it,
    /// microseconds.
    pub latency_us: Histogram<u64>,
    /// What the latencies count from.
    pub latency_from: LatencyFrom,
    /// Invocations, microseconds.
    pub invoke_us: Histogram<u64>,
    /// Each mapping's own counts.
    pub mappings: Vec<MappingTotals>,
    /// The first record that some mapping could not process.
    pub first_failure: Option<FirstFailure>,
}

/// How many latencies count from a record's `writeTime`, and how many from its arrival in
/// the stream, since it has no `writeTime` of this run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs)] // they are what their names say
pub struct LatencyFrom {
    pub write_time: u64,
    pub arrival: u64,
}

/// The counts of one mapping.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MappingTotals {
    /// Its name.
    pub name: String,
    /// Records that its function processed.
    pub processed: u64,
    /// Records that its filter dropped.
    pub filtered: u64,
    /// Records that it discarded.
    pub discarded: u64,
    /// Records that it neither processed, filtered out nor discarded.
    pub lost: u64,
    /// Times that its function took a record again.
    pub retries: u64,
}

/// A record that a mapping discarded, or never processed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FirstFailure {
    /// The mapping.
    pub mapping: String,
    /// The shard's id.
    pub shard: String,
    /// The sequence number in the shard.
    pub sequence_number: String,
    /// Invocations that the function took it in.
    pub tries: u32,
    /// Why it was discarded, such as `RetryAttemptsExhausted`; `None` if it was not.
    pub condition: Option<&'static str>,
    /// The function's error.
    pub error: Option<String>,
}

/// Counts of records over all mappings.
#[derive(Debug, Default)]
pub(super) struct Together {
    pub(super) processed: u64,
    pub(super) filtered: u64,
    pub(super) discarded: u64,
}

pub(super) fn together(mappings: &BTreeMap<String, Ledger>) -> Together {
    let mut ledgers = mappings.values();
    let Some(first) = ledgers.next() else {
        return Together::default();
    };
    let mut together = Together::default();
    for (shard, number, _) in first.records() {
        let states = mappings.values().map(|ledger| ledger.get(shard, number));
        let states = states.map(|entry| entry.map_or(State::Pending, |entry| entry.state));
        let states: Vec<_> = states.collect();
        let all = |wanted: &[State]| states.iter().all(|state| wanted.contains(state));
        if all(&[State::Filtered]) {
            together.filtered += 1;
        } else if all(&[State::Processed, State::Filtered]) {
            together.processed += 1;
        }
    }
    let all = mappings.values().flat_map(Ledger::records);
    let discarded = all.filter(|(_, _, entry)| matches!(entry.state, State::Discarded(_)));
    let discarded: HashSet<_> = discarded
        .map(|(shard, number, _)| (shard, number))
        .collect();
    together.discarded = discarded.len() as u64;
    together
}

pub(super) fn first_failure(mappings: &BTreeMap<String, Ledger>) -> Option<FirstFailure> {
    let mut failures = mappings
        .iter()
        .filter_map(|(name, ledger)| Some((name, ledger.first_failure()?)));
    let (mapping, (shard, sequence_number, entry)) = failures.next()?;
    Some(FirstFailure {
        mapping: mapping.clone(),
        shard: shard.to_owned(),
        sequence_number: sequence_number.to_owned(),
        tries: entry.tries,
        condition: match entry.state {
            State::Discarded(condition) => Some(condition.as_str()),
            State::Pending | State::Processed | State::Filtered => None,
        },
        error: entry.error.as_deref().map(str::to_owned),
    })
}
