//! SQS without its wire: queues and messages.

pub(crate) mod attributes;
pub(crate) mod change;
pub(crate) mod deduplication;
mod move_task;
mod names;
pub(crate) mod places;
pub(crate) mod queue;
mod queues;
mod receipt;
mod receive;
pub(crate) mod redrive;
mod send;
mod settle;
pub(crate) mod sweep;

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use durable_files::{Commit, Disk};
use parking_lot::Mutex;

use self::{
    change::{Change, Queues},
    queue::Queue,
    receive::Attempts,
};
use crate::{
    error::SqsError,
    log::{Log, OpenError},
    options::Options,
};

pub(crate) use move_task::{MOST_PER_SECOND, MoveTask, TaskStatus};

/// Files of the log that one write cleans at most: what a write waits for is bounded.
const CLEANED_AT_ONCE: usize = 2;
/// Bytes of messages that are written again in one go, about.
const RELOCATED_AT_ONCE: u64 = 1024 * 1024;

/// All queues of one account and region.
#[derive(Debug)]
pub(crate) struct Engine {
    /// Settings that hold for the engine's life.
    pub options: Options,
    /// One lock for all queues: an operation holds it for microseconds, and a message
    /// moves between queues in one step.
    inner: Mutex<Inner>,
}

/// What the lock protects.
#[derive(Debug)]
struct Inner {
    queues: Queues,
    log: Option<Log>,
    /// How many closed files the log had when it was cleaned last.
    cleaned: usize,
    /// When the queues of these names were deleted, milliseconds.
    deleted: HashMap<String, u64>,
    /// The tasks of each dead-letter queue, oldest first.
    tasks: HashMap<u64, VecDeque<MoveTask>>,
    attempts: HashMap<u64, Attempts>,
}

impl Engine {
    /// An engine with the queues that its data folder on `disk` holds, if it has one.
    ///
    /// # Errors
    ///
    /// [`OpenError`] says which part of the stored state cannot be used.
    pub(crate) fn open(disk: Arc<dyn Disk>, options: Options) -> Result<Self, OpenError> {
        let mut queues = Queues::default();
        let log = match &options.data_dir {
            Some(folder) => Some(Log::open(
                disk,
                folder,
                options.fsync,
                |change, segment| {
                    queues.apply(change, segment);
                },
            )?),
            None => None,
        };
        let inner = Inner {
            queues,
            log,
            cleaned: 0,
            deleted: HashMap::new(),
            tasks: HashMap::new(),
            attempts: HashMap::new(),
        };
        Ok(Self {
            options,
            inner: Mutex::new(inner),
        })
    }

    /// Milliseconds since the Unix epoch.
    fn now(&self) -> u64 {
        self.options.clock.millis()
    }
}

/// Waits until what was written is flushed, where the engine promises that.
///
/// # Errors
///
/// `InternalFailure`: the flush fails.
async fn committed(commit: Option<Commit>) -> Result<(), SqsError> {
    match commit {
        Some(commit) => commit
            .wait()
            .await
            .map_err(|error| SqsError::internal("the change cannot be flushed", error)),
        None => Ok(()),
    }
}

impl Inner {
    /// The number of a new queue or message, higher than all before it. It is the time in
    /// microseconds, so that it does not come again after a restart either.
    fn number(&mut self, clock: &movable_clock::Clock) -> u64 {
        self.queues.last = clock.micros().max(self.queues.last + 1);
        self.queues.last
    }

    /// # Errors
    ///
    /// `QueueDoesNotExist`.
    fn queue(&self, id: u64) -> Result<&Queue, SqsError> {
        self.queues.get(id).ok_or_else(SqsError::no_such_queue)
    }

    /// Brings a queue up to date with the clock: what is due becomes visible, and what is
    /// past its retention is deleted.
    ///
    /// # Errors
    ///
    /// `QueueDoesNotExist`.
    fn tick(&mut self, id: u64, now: u64) -> Result<(), SqsError> {
        let queue = self.queues.get_mut(id);
        let queue = queue.ok_or_else(SqsError::no_such_queue)?;
        queue.tick(now);
        queue.deduplication.forget(now);
        let expired = queue.expired(now);
        let expired: Vec<_> = expired
            .map(|index| Change::Remove { queue: id, index })
            .collect();
        if !expired.is_empty() {
            // Not waited for: after a power failure, they expire again.
            self.write(expired)?;
        }
        self.wake(id);
        Ok(())
    }

    /// Writes changes to the log, and makes them.
    ///
    /// # Errors
    ///
    /// `InternalFailure`: they cannot be written, and none was made.
    fn write(&mut self, changes: Vec<Change>) -> Result<Option<Commit>, SqsError> {
        if changes.is_empty() {
            return Ok(None);
        }
        let (segment, commit) = self.append(&changes)?;
        for change in changes {
            self.queues.apply(change, segment);
        }
        Ok(commit)
    }

    fn append(&mut self, changes: &[Change]) -> Result<(u64, Option<Commit>), SqsError> {
        match &mut self.log {
            Some(log) => log
                .append(changes)
                .map_err(|error| SqsError::internal("the change cannot be stored", error)),
            None => Ok((0, None)),
        }
    }

    /// Wakes the receivers of a queue, as far as there is something for them.
    fn wake(&mut self, id: u64) {
        if let Some(queue) = self.queues.get_mut(id) {
            queue.wake();
        }
    }

    /// Writes the oldest files of the log again, without what was deleted, if too much of
    /// the log is of no use. Called after the changes of an operation.
    fn clean(&mut self, now: u64) {
        let Some(log) = &self.log else { return };
        // Once for each file that is full.
        if log.closed_files() <= self.cleaned {
            self.cleaned = log.closed_files();
            return;
        }
        let weight = self.queues.weight();
        for _ in 0..CLEANED_AT_ONCE {
            let Some(oldest) = self
                .log
                .as_ref()
                .and_then(|log| log.oldest_to_clean(weight))
            else {
                break;
            };
            if let Err(error) = self.clean_file(oldest, now) {
                tracing::warn!(%error, "a file of the queues' log stays for now");
                break;
            }
        }
        self.cleaned = self.log.as_ref().map_or(0, Log::closed_files);
    }

    fn clean_file(&mut self, oldest: u64, now: u64) -> Result<(), SqsError> {
        let mut batch = Vec::new();
        let mut weight = 0;
        for change in self.queues.in_segment(oldest, now) {
            weight += match &change {
                Change::Add { stored, .. } => stored.weight(),
                _ => 1000,
            };
            batch.push(change);
            if weight >= RELOCATED_AT_ONCE {
                self.write(std::mem::take(&mut batch))?;
                weight = 0;
            }
        }
        self.write(batch)?;
        match &mut self.log {
            Some(log) => log
                .drop_oldest()
                .map_err(|error| SqsError::internal("the oldest file", error)),
            None => Ok(()),
        }
    }
}
