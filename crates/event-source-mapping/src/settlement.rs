//! When every record that a stream has so far is settled: processed, discarded or
//! filtered out.
//!
//! A read that begins after a mark and finds nothing more has read every record written
//! before the mark. So each caller sets a mark, which has every reader read again, and
//! waits until each shard was read to its tip since then and no record of it is pending.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, watch};

use super::{batch::Prepared, retry_state::Discarded, source::Page, target::Reply, text::one_line};

/// Discarded batches that are kept, the newest.
const MOST_DISCARDED: usize = 10_000;

/// Records that were discarded together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DiscardedBatch {
    /// The mapping's name.
    pub mapping: String,
    /// The shard's id.
    pub shard: String,
    /// The sequence number of the first record.
    pub start_sequence_number: String,
    /// The sequence number of the last record.
    pub end_sequence_number: String,
    /// How many records it has.
    pub records: u64,
    /// The condition of its invocation record, such as `RetryAttemptsExhausted`.
    pub condition: String,
    /// The function error of the last attempt: type and message in one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl DiscardedBatch {
    pub(crate) fn new(
        (mapping, shard): (&str, &str),
        records: &[Prepared],
        discarded: &Discarded,
        last_reply: Option<&Reply>,
    ) -> Self {
        let number = |prepared: Option<&Prepared>| {
            prepared.map_or(String::new(), |found| found.record.sequence_number.clone())
        };
        Self {
            mapping: mapping.to_owned(),
            shard: shard.to_owned(),
            start_sequence_number: number(records.first()),
            end_sequence_number: number(records.last()),
            records: records.len() as u64,
            condition: discarded.condition.as_str().to_owned(),
            error: match last_reply {
                Some(Reply::FunctionError(error)) => Some(one_line(&error.summary())),
                _ => None,
            },
        }
    }
}

/// How far a mapping has settled its records.
#[derive(Debug, Default)]
pub(crate) struct Settlement {
    mark: watch::Sender<u64>,
    progress: Mutex<Progress>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Progress {
    /// After this mark, every listed shard was processed or being read.
    listed: u64,
    /// The shards that are read.
    shards: BTreeMap<String, Shard>,
    discarded: VecDeque<DiscardedBatch>,
    /// Batches discarded before the first of `discarded`.
    forgotten: u64,
}

#[derive(Debug, Default)]
struct Shard {
    /// After this mark, the shard was read to its tip.
    tip: u64,
    /// Records read and not settled.
    pending: u64,
}

impl Settlement {
    /// Changes with every mark, which asks for another read.
    pub(crate) fn marks(&self) -> watch::Receiver<u64> {
        self.mark.subscribe()
    }

    /// A poller of the shard starts: records that an earlier one read are read again.
    pub(crate) fn start(&self, shard: &str) {
        self.change(|progress| {
            progress.shards.insert(shard.to_owned(), Shard::default());
        });
    }

    /// The shard was read, after `mark`.
    pub(crate) fn read(&self, shard: &str, page: &Page, mark: u64) {
        let at_tip = page.records.is_empty() && page.millis_behind_latest <= 0;
        self.change_shard(shard, |state| {
            state.pending += page.records.len() as u64;
            if at_tip || page.next_iterator.is_none() {
                state.tip = mark;
            }
        });
    }

    /// Records of the shard are processed, discarded or filtered out.
    pub(crate) fn settle(&self, shard: &str, records: u64) {
        self.change_shard(shard, |state| {
            state.pending = state.pending.saturating_sub(records);
        });
    }

    /// No more records of the shard will come.
    pub(crate) fn end(&self, shard: &str) {
        self.change(|progress| {
            progress.shards.remove(shard);
        });
    }

    /// The mapping is paused: records that are read and not settled are read again. Nothing
    /// is settled until its shards are listed again.
    pub(crate) fn pause(&self) {
        self.change(|progress| {
            progress.shards.clear();
            progress.listed = 0;
        });
    }

    /// The stream is another one.
    pub(crate) fn clear(&self) {
        self.change(|progress| progress.shards.clear());
    }

    /// Every shard that was listed after `mark` is processed or being read.
    pub(crate) fn listed(&self, mark: u64) {
        self.change(|progress| progress.listed = mark);
    }

    /// A batch was discarded.
    pub(crate) fn discard(&self, batch: DiscardedBatch) {
        self.change(|progress| {
            progress.discarded.push_back(batch);
            if progress.discarded.len() > MOST_DISCARDED {
                progress.discarded.pop_front();
                progress.forgotten += 1;
            }
        });
    }

    /// The batches discarded after the first `before` ones, and how many there are now.
    pub(crate) fn discarded_after(&self, before: u64) -> (Vec<DiscardedBatch>, u64) {
        let progress = self.lock();
        let now = progress.forgotten + progress.discarded.len() as u64;
        let skip = before.saturating_sub(progress.forgotten);
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        (progress.discarded.iter().skip(skip).cloned().collect(), now)
    }

    /// Records of the shard that are read and not settled.
    pub(crate) fn pending(&self, shard: &str) -> u64 {
        let progress = self.lock();
        progress.shards.get(shard).map_or(0, |state| state.pending)
    }

    /// Waits until every record written before this call is settled.
    pub(crate) async fn settled(&self) {
        let mut mark = 0;
        self.mark.send_modify(|now| {
            *now += 1;
            mark = *now;
        });
        loop {
            let changed = self.changed.notified();
            if self.lock().is_settled(mark) {
                return;
            }
            changed.await;
        }
    }

    fn change_shard(&self, shard: &str, change: impl FnOnce(&mut Shard)) {
        self.change(|progress| {
            if let Some(state) = progress.shards.get_mut(shard) {
                change(state);
            }
        });
    }

    fn change(&self, change: impl FnOnce(&mut Progress)) {
        change(&mut self.lock());
        self.changed.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress {
    fn is_settled(&self, mark: u64) -> bool {
        let settled = |state: &Shard| state.tip >= mark && state.pending == 0;
        self.listed >= mark && self.shards.values().all(settled)
    }
}
