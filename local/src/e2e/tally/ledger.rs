//! What became of each record, as one mapping saw it.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use event_source_mapping::retry_state::Condition;

/// The records of one mapping, by shard and sequence number: sequence numbers are only
/// unique within a shard.
#[derive(Debug, Default)]
pub(in crate::e2e) struct Ledger {
    shards: BTreeMap<String, HashMap<String, Entry>>,
    pub(super) processed: u64,
    pub(super) discarded: u64,
    pub(super) filtered: u64,
    /// Tries beyond the first one of each record.
    pub(super) retries: u64,
    first_discarded: Option<(String, String)>,
    first_failed: Option<(String, String)>,
}

/// One record.
#[derive(Debug, Clone, Default)]
pub(in crate::e2e) struct Entry {
    /// Invocations that the function took it in.
    pub(in crate::e2e) tries: u32,
    pub(in crate::e2e) state: State,
    /// Until the end of the invocation that processed it, microseconds.
    pub(in crate::e2e) latency_us: Option<u64>,
    /// The function's last error with this record.
    pub(in crate::e2e) error: Option<Arc<str>>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::e2e) enum State {
    #[default]
    Pending,
    Processed,
    Filtered,
    Discarded(Condition),
}

impl Ledger {
    /// A record that the function took.
    pub(super) fn tried(&mut self, shard: &str, sequence_number: &str) {
        let entry = self.entry(shard, sequence_number);
        entry.tries += 1;
        let retry = entry.tries > 1;
        self.retries += u64::from(retry);
    }

    /// The function failed with this record.
    pub(super) fn failed(&mut self, shard: &str, sequence_number: &str, error: Option<&Arc<str>>) {
        self.entry(shard, sequence_number).error = error.cloned();
        if self.first_failed.is_none() {
            self.first_failed = Some((shard.to_owned(), sequence_number.to_owned()));
        }
    }

    /// The function processed the record. Returns whether it is the first time, and then
    /// `latency_us` is kept.
    pub(super) fn processed(
        &mut self,
        shard: &str,
        sequence_number: &str,
        latency_us: impl FnOnce() -> u64,
    ) -> Option<u64> {
        let entry = self.entry(shard, sequence_number);
        if entry.state == State::Processed {
            return None;
        }
        entry.state = State::Processed;
        let latency_us = latency_us();
        entry.latency_us = Some(latency_us);
        self.processed += 1;
        Some(latency_us)
    }

    /// The mapping discarded the record.
    pub(super) fn discarded(&mut self, shard: &str, sequence_number: &str, condition: Condition) {
        let entry = self.entry(shard, sequence_number);
        let first = entry.state == State::Pending;
        entry.state = State::Discarded(condition);
        self.discarded += u64::from(first);
        if self.first_discarded.is_none() {
            self.first_discarded = Some((shard.to_owned(), sequence_number.to_owned()));
        }
    }

    /// The mapping filtered the record out.
    pub(super) fn filtered(&mut self, shard: &str, sequence_number: &str) {
        let entry = self.entry(shard, sequence_number);
        let first = entry.state == State::Pending;
        entry.state = State::Filtered;
        self.filtered += u64::from(first);
    }

    /// Records that are processed, filtered out or discarded.
    pub(super) fn settled(&self) -> u64 {
        self.processed + self.filtered + self.discarded
    }

    /// The first record that was discarded, or else the first one that failed and is not
    /// processed: its shard, its sequence number, and what became of it.
    pub(super) fn first_failure(&self) -> Option<(&str, &str, &Entry)> {
        let discarded = self.first_discarded.as_ref();
        let (shard, sequence_number) = discarded.or(self.first_failed.as_ref())?;
        let entry = self.get(shard, sequence_number)?;
        (entry.state != State::Processed).then_some((shard, sequence_number, entry))
    }

    pub(super) fn get(&self, shard: &str, sequence_number: &str) -> Option<&Entry> {
        self.shards.get(shard)?.get(sequence_number)
    }

    /// Every record, by shard and sequence number, in the order of the stream.
    pub(super) fn records(&self) -> Vec<(&str, &str, &Entry)> {
        let mut all = Vec::new();
        for (shard, records) in &self.shards {
            let mut records: Vec<_> = records.iter().collect();
            // Decimal numbers of one length or another.
            records.sort_unstable_by_key(|(number, _)| (number.len(), *number));
            let records = records.into_iter();
            all.extend(records.map(|(number, entry)| (shard.as_str(), number.as_str(), entry)));
        }
        all
    }

    fn entry(&mut self, shard: &str, sequence_number: &str) -> &mut Entry {
        let records = self.shards.entry(shard.to_owned()).or_default();
        records.entry(sequence_number.to_owned()).or_default()
    }
}
