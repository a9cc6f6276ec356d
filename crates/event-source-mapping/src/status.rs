//! What each shard of a mapping is doing: checkpoint, iterator age, counts, errors.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::{settlement::Settlement, text::one_line};

/// How long a call takes before the status shows it.
pub(crate) const WORTH_SHOWING: Duration = Duration::from_secs(1);

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
    /// `State` of the API (`EventSourceMappingConfiguration`), where something runs the
    /// mapping that can change it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

/// One shard of a mapping at one moment. Counts are since the mapping's start, or since
/// the stream was created again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShardStatus {
    /// The sequence number up to which every record is processed or discarded; `END`
    /// for a closed shard that is processed to its end; `None` before the first.
    pub checkpoint: Option<String>,
    /// The iterator age (`IteratorAge`): how old the last record of the newest batch
    /// was when the function returned, milliseconds.
    pub iterator_age_ms: u64,
    /// Invocations that reached the function.
    pub batches: u64,
    /// Records that the function has processed.
    pub records: u64,
    /// Records that no filter matched.
    pub filtered: u64,
    /// Records that were discarded. Serialised under the field's first name, which
    /// readers of the JSON know.
    #[serde(rename = "givenUp", alias = "discarded")]
    pub discarded: u64,
    /// Invocations that retried records.
    pub retries: u64,
    /// Invocations under way.
    pub in_flight: u64,
    /// Records that are read and neither processed nor discarded.
    #[serde(default)]
    pub pending: u64,
    /// The wait before the next attempt, while there is one, milliseconds; of several
    /// concurrent batches, that of the one that failed last.
    #[serde(default)]
    pub back_off_ms: u64,
    /// The call that has not returned for a second or more, and for how long:
    /// `GetRecords, for 4 s`, or the function's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_for: Option<String>,
    /// The most recent error, kept after later successes: one line, for a function
    /// error its type and message.
    pub last_error: Option<String>,
    /// All of the most recent error, where it is more than that line: a function
    /// error's JSON with its stack trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error_detail: Option<String>,
}

/// The shards of a mapping. Clones are the same status.
#[derive(Debug, Clone, Default)]
pub struct Status {
    shards: Arc<Mutex<Shards>>,
    pub(crate) settlement: Arc<Settlement>,
}

#[derive(Debug, Default)]
struct Shards {
    statuses: BTreeMap<String, ShardStatus>,
    /// Calls that have not returned, by the order of their start.
    waits: BTreeMap<u64, Wait>,
    next_wait: u64,
    /// Whether the last invocation processed all of its records.
    last_succeeded: Option<bool>,
}

/// A call that has not returned.
#[derive(Debug)]
struct Wait {
    shard: String,
    what: String,
    since: Instant,
    invocation: bool,
}

/// A call under way; it is over when this is dropped, after a panic too.
pub(crate) struct Waiting<'a> {
    status: &'a Status,
    number: u64,
}

impl Status {
    /// Changes a shard's status.
    pub(crate) fn update(&self, shard: &str, change: impl FnOnce(&mut ShardStatus)) {
        let mut shards = self.lock();
        let statuses = &mut shards.statuses;
        match statuses.get_mut(shard) {
            Some(status) => change(status),
            None => change(statuses.entry(shard.to_owned()).or_default()),
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

    /// Sets how long a shard waits before its next attempt; zero when it does not.
    pub(crate) fn backing_off(&self, shard: &str, wait: Duration) {
        self.update(shard, |status| {
            status.back_off_ms = milliseconds(wait);
        });
    }

    /// A request to the stream.
    pub(crate) fn waiting(&self, shard: &str, what: &str) -> Waiting<'_> {
        self.begin(shard, what, false)
    }

    /// An invocation of the function.
    pub(crate) fn invoking(&self, shard: &str, function: &str) -> Waiting<'_> {
        self.begin(shard, function, true)
    }

    /// An invocation has returned.
    pub(crate) fn processed(&self, all: bool) {
        self.lock().last_succeeded = Some(all);
    }

    /// Whether the last invocation processed all of its records; `None` before the first.
    pub(crate) fn last_succeeded(&self) -> Option<bool> {
        self.lock().last_succeeded
    }

    /// The status of every shard.
    #[must_use]
    pub(crate) fn shards(&self) -> BTreeMap<String, ShardStatus> {
        let shards = self.lock();
        let mut statuses = shards.statuses.clone();
        for wait in shards.waits.values() {
            let status = statuses.entry(wait.shard.clone()).or_default();
            status.in_flight += u64::from(wait.invocation);
            let waited = wait.since.elapsed();
            if waited >= WORTH_SHOWING && status.waiting_for.is_none() {
                let seconds = waited.as_secs();
                status.waiting_for = Some(format!("{}, for {seconds} s", wait.what));
            }
        }
        drop(shards);
        for (id, status) in &mut statuses {
            status.pending = self.settlement.pending(id);
        }
        statuses
    }

    /// Forgets all shards.
    pub(crate) fn clear(&self) {
        self.lock().statuses.clear();
        self.settlement.clear();
    }

    fn begin(&self, shard: &str, what: &str, invocation: bool) -> Waiting<'_> {
        let mut shards = self.lock();
        let number = shards.next_wait;
        shards.next_wait += 1;
        let wait = Wait {
            shard: shard.to_owned(),
            what: what.to_owned(),
            since: Instant::now(),
            invocation,
        };
        shards.waits.insert(number, wait);
        Waiting {
            status: self,
            number,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shards> {
        self.shards.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.status.lock().waits.remove(&self.number);
    }
}

pub(crate) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
