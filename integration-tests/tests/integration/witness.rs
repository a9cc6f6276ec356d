//! Sees what the mapping delivers and what the function says of it.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use event_source_mapping::{
    batch::Prepared,
    observer::{Invoked, Observer},
    retry_state::Discarded,
};
use serde_json::Value;

/// What has been seen so far.
#[derive(Debug, Default)]
pub struct Witness(Mutex<Seen>);

/// What has been seen.
#[derive(Debug, Default, Clone)]
pub struct Seen {
    /// Shard and sequence number of each record that is done, in that order.
    pub done: Vec<(String, String)>,
    /// How many records each given-up batch had.
    pub discarded: Vec<usize>,
    /// Invocations.
    pub invocations: u64,
    /// Invocations that did not succeed.
    pub failures: u64,
    /// The function's lines of processed records.
    pub processed: Vec<Value>,
    /// The function's lines of metrics.
    pub metrics: Vec<Value>,
    /// The last of its other lines.
    last_lines: VecDeque<String>,
}

/// How many of the function's other lines are kept.
const LAST_LINES: usize = 20;

impl Witness {
    pub fn seen(&self) -> Seen {
        self.lock().clone()
    }

    /// What `ask` finds, without a copy of all that has been seen.
    pub fn tell<T>(&self, ask: impl FnOnce(&Seen) -> T) -> T {
        ask(&self.lock())
    }

    /// Takes note of a line of the function.
    pub fn line(&self, text: &str) {
        let line = serde_json::from_str::<Value>(text).unwrap_or_default();
        let mut seen = self.lock();
        if line["message"] == "processed" {
            seen.processed.push(line);
        } else if line["_aws"].is_object() {
            seen.metrics.push(line);
        } else {
            seen.last_lines.push_back(text.to_owned());
            if seen.last_lines.len() > LAST_LINES {
                seen.last_lines.pop_front();
            }
        }
    }

    /// What the function said last, for a failure's message.
    pub fn last_words(&self) -> String {
        let seen = self.lock();
        let lines: Vec<_> = seen.last_lines.iter().map(String::as_str).collect();
        lines.join("\n")
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    /// How many records are dealt with.
    pub fn settled(&self) -> usize {
        self.done.len() + self.discarded.iter().sum::<usize>()
    }

    /// Where the locations of processed records came from, in order.
    pub fn sources(&self) -> Vec<&str> {
        self.processed
            .iter()
            .filter_map(|line| line["source"].as_str())
            .collect()
    }

    /// A metric's values, summed over all lines in which it has one.
    pub fn metric(&self, name: &str) -> u64 {
        self.metrics
            .iter()
            .filter_map(|line| line[name].as_u64())
            .sum()
    }
}

impl Observer for Witness {
    fn invoked(&self, invoked: &Invoked<'_>) {
        let mut seen = self.lock();
        seen.invocations += 1;
        if invoked.done < invoked.records.len() {
            seen.failures += 1;
        }
        seen.done
            .extend(invoked.records[..invoked.done].iter().map(|prepared| {
                (
                    invoked.shard.to_owned(),
                    prepared.record.sequence_number.clone(),
                )
            }));
    }

    fn discarded(&self, _: &str, _: &str, records: &[Prepared], _: &Discarded) {
        self.lock().discarded.push(records.len());
    }
}
