//! What a mapping is doing, for people who look.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::text::one_line;

/// One mapping at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MappingStatus {
    /// The mapping's name.
    pub name: String,
    /// The function's ARN or URL.
    pub function: String,
    /// The stream's ARN.
    pub stream_arn: String,
    /// Its shards, by their ids.
    pub shards: BTreeMap<String, ShardStatus>,
}

/// One shard of a mapping at one moment. Counts are since the mapping's start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShardStatus {
    /// The last sequence number before which all is done; `END` for a closed
    /// shard that is done; none before the first.
    pub checkpoint: Option<String>,
    /// `IteratorAge`: how old the last record of the newest batch was when the
    /// function had it, milliseconds.
    pub iterator_age_ms: u64,
    /// Invocations that were taken.
    pub batches: u64,
    /// Records that the function is done with.
    pub records: u64,
    /// Records that no filter let pass.
    pub filtered: u64,
    /// Records that were discarded. Serialised under the field's first name, which
    /// readers of the JSON know.
    #[serde(rename = "givenUp", alias = "discarded")]
    pub discarded: u64,
    /// Invocations after one that left records undone.
    pub retries: u64,
    /// Invocations under way.
    pub in_flight: u64,
    /// How long the wait before the next try is, while there is one,
    /// milliseconds; of several batches at once, the one that failed last.
    #[serde(default)]
    pub back_off_ms: u64,
    /// The most recent error, kept after later successes: one line, for a function
    /// error its type and message.
    pub last_error: Option<String>,
    /// All of the most recent error, where it is more than that line: a function
    /// error's JSON with its stack trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error_detail: Option<String>,
}

/// The shards of a running mapping.
#[derive(Debug, Default)]
pub struct Status(Mutex<BTreeMap<String, ShardStatus>>);

impl Status {
    /// Changes what is said of a shard.
    pub fn update(&self, shard: &str, change: impl FnOnce(&mut ShardStatus)) {
        let mut shards = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match shards.get_mut(shard) {
            Some(status) => change(status),
            None => change(shards.entry(shard.to_owned()).or_default()),
        }
    }

    /// Keeps the most recent error of a shard: one line, and `text` where that is more.
    pub(crate) fn failed(&self, shard: &str, line: &str, text: &str) {
        self.update(shard, |status| {
            let line = one_line(line);
            status.last_error_detail = (line != text).then(|| text.to_owned());
            status.last_error = Some(line);
        });
    }

    /// Says how long a shard waits before its next try; zero for no longer.
    pub fn backing_off(&self, shard: &str, wait: Duration) {
        self.update(shard, |status| {
            status.back_off_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        });
    }

    /// What is said of every shard.
    #[must_use]
    pub fn shards(&self) -> BTreeMap<String, ShardStatus> {
        let shards = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shards.clone()
    }
}
