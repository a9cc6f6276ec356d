//! An observer that records the mapping's deliveries and the function's log lines.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use event_source_mapping::{
    batch::Prepared,
    observer::{Invoked, MessagesInvoked, Observer},
    retry_state::Discarded,
};
use serde_json::Value;

/// Records what it observes.
#[derive(Debug, Default)]
pub struct RecordingObserver(Mutex<Seen>);

/// The observations so far.
#[derive(Debug, Default, Clone)]
pub struct Seen {
    /// Shard and sequence number of each processed record, in the order of delivery.
    pub done: Vec<(String, String)>,
    /// The number of records of each discarded batch.
    pub discarded: Vec<usize>,
    /// The bodies of the processed messages of queues.
    pub messages: Vec<String>,
    /// Invocations.
    pub invocations: u64,
    /// Invocations that did not succeed.
    pub failures: u64,
    /// The function's log lines of processed records.
    pub processed: Vec<Value>,
    /// The function's metrics lines.
    pub metrics: Vec<Value>,
    /// The last of the function's other lines.
    last_lines: VecDeque<String>,
}

/// The number of the function's other lines that are kept.
const LAST_LINES: usize = 20;

impl RecordingObserver {
    pub fn seen(&self) -> Seen {
        self.lock().clone()
    }

    /// The result of `ask`, without a copy of the observations.
    pub fn tell<T>(&self, ask: impl FnOnce(&Seen) -> T) -> T {
        ask(&self.lock())
    }

    /// Records a log line of the function.
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

    /// The function's last lines, for an error.
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
    /// The number of processed and discarded records.
    pub fn settled(&self) -> usize {
        self.done.len() + self.discarded.iter().sum::<usize>()
    }

    /// The sources of the processed records' locations, in order.
    pub fn sources(&self) -> Vec<&str> {
        self.processed
            .iter()
            .filter_map(|line| line["source"].as_str())
            .collect()
    }

    /// The sum of a metric's values.
    pub fn metric(&self, name: &str) -> u64 {
        self.metrics
            .iter()
            .filter_map(|line| line[name].as_u64())
            .sum()
    }
}

impl Observer for RecordingObserver {
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

    fn messages_invoked(&self, invoked: &MessagesInvoked<'_>) {
        let processed = invoked.messages.iter().enumerate();
        let processed = processed.filter(|(index, _)| !invoked.failed.contains(index));
        let bodies = processed.map(|(_, message)| message.body.clone());
        self.lock().messages.extend(bodies);
    }

    fn discarded(&self, _: &str, _: &str, records: &[Prepared], _: &Discarded) {
        self.lock().discarded.push(records.len());
    }
}
