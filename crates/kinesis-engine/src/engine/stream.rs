//! One stream: its settings, and its shards.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use parking_lot::{Mutex, RwLock};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::{
    consumer::Consumer,
    hash_key::HashKey,
    lifecycle::{Lifecycle, Status},
    moment::Moment,
    shard::{AppendError, NewRecord, Outcome, Shard},
    throttle::ThrottledCounter,
    topology::Topology,
};
use durable_files::Commit;

use crate::error::KinesisError;

/// How a stream's capacity is managed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Mode {
    /// A number of shards that the owner sets.
    Provisioned,
    /// The service manages the shards.
    OnDemand,
}

/// A stream's settings: everything but its shards.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Settings {
    /// How capacity is managed.
    pub mode: Mode,
    /// How long records are kept, hours.
    pub retention_hours: u32,
    /// The largest record, key and data together, KiB.
    pub max_record_kib: u32,
    /// Tags by key.
    pub tags: BTreeMap<String, String>,
    /// The stream's status.
    pub lifecycle: Lifecycle,
    /// Registered consumers by name.
    pub consumers: BTreeMap<String, Consumer>,
}

/// A stream. Puts and reads hold its locks to copy a reference or a setting; only changes
/// wait for each other and for the disk.
#[derive(Debug)]
pub(crate) struct Stream {
    /// Unique in the account and region.
    pub name: String,
    /// `arn:aws:kinesis:{region}:{account}:stream/{name}`.
    pub arn: String,
    /// Milliseconds since the Unix epoch.
    pub created: u64,
    /// Where the stream is stored.
    pub(crate) folder: Option<PathBuf>,
    settings: Mutex<Settings>,
    topology: RwLock<Arc<Topology>>,
    /// Held by a change of settings or shards until it is stored: two changes at once
    /// would undo each other.
    pub(super) changing: Mutex<()>,
    /// The records that its shards have refused.
    pub(crate) throttled: ThrottledCounter,
    /// The description on disk is not this stream's: records could be lost with it.
    unstored: AtomicBool,
    /// Counts reshards that have ended: a put to a shard being closed waits for one.
    resharded: watch::Sender<u64>,
}

/// The outcome of a put.
#[derive(Debug)]
pub(crate) struct Put {
    /// For each record, in order.
    pub routed: Vec<Routed>,
    /// To wait for before the put is acknowledged.
    pub commits: Vec<Commit>,
}

/// One record of a put, with its shard.
#[derive(Debug, Clone)]
pub(crate) struct Routed {
    /// The shard that it was for.
    pub shard: Arc<Shard>,
    /// Stored or refused.
    pub outcome: Outcome,
}

impl Stream {
    /// A stream with its first shards.
    #[must_use]
    pub(crate) fn new(
        name: String,
        arn: String,
        created: u64,
        settings: Settings,
        topology: Topology,
        folder: Option<PathBuf>,
    ) -> Self {
        Self {
            name,
            arn,
            created,
            folder,
            settings: Mutex::new(settings),
            topology: RwLock::new(Arc::new(topology)),
            changing: Mutex::default(),
            throttled: ThrottledCounter::default(),
            unstored: AtomicBool::new(false),
            resharded: watch::channel(0).0,
        }
    }

    /// The shards as they are now.
    #[must_use]
    pub(crate) fn topology(&self) -> Arc<Topology> {
        Arc::clone(&self.topology.read())
    }

    /// A copy of the settings.
    #[must_use]
    pub(crate) fn settings(&self) -> Settings {
        self.settings.lock().clone()
    }

    /// Reads or changes the settings in place.
    pub(crate) fn with_settings<T>(&self, change: impl FnOnce(&mut Settings) -> T) -> T {
        change(&mut self.settings.lock())
    }

    /// The status at `now` (milliseconds); `None` once it is deleted.
    #[must_use]
    pub(crate) fn status(&self, now: u64) -> Option<Status> {
        self.settings.lock().lifecycle.at(now)
    }

    /// How long the stream still takes to be deleted; `None` once it is.
    pub(super) fn deleted_in(&self, now: u64) -> Option<Duration> {
        self.settings.lock().lifecycle.left(now)
    }

    /// The shard that `id` names.
    ///
    /// # Errors
    ///
    /// `ResourceNotFoundException` if no shard has it.
    pub(crate) fn shard(&self, id: &str, account: &str) -> Result<Arc<Shard>, KinesisError> {
        super::shard::shard_number(id)
            .and_then(|number| self.topology().shard(number).cloned())
            .ok_or_else(|| {
                KinesisError::ResourceNotFound(format!(
                    "Could not find shard {id} in stream {} under account {account}.",
                    self.name
                ))
            })
    }

    /// Stores `records`, each in the shard that owns its hash key; those for
    /// one shard are stored together and in their order.
    ///
    /// # Errors
    ///
    /// `InternalFailure` if a shard's log cannot be written: SDKs then send all records
    /// again, also those that other shards have stored. `ResourceNotFoundException` if the
    /// stream is deleted.
    pub(crate) async fn append(
        &self,
        records: &[(HashKey, NewRecord<'_>)],
        now: Moment,
    ) -> Result<Put, KinesisError> {
        let mut appending = Appending {
            commits: Vec::new(),
            routed: vec![None; records.len()],
            pending: (0..records.len()).collect(),
        };
        appending.attempt(self, records, now)?;
        if !appending.pending.is_empty() {
            // Before the next attempt: a reshard that ends in between is then seen.
            let mut resharded = self.resharded.subscribe();
            appending.attempt(self, records, now)?;
            while !appending.pending.is_empty() {
                // The sender lives as long as the stream.
                let _ended = resharded.changed().await;
                appending.attempt(self, records, now)?;
            }
        }
        Ok(Put {
            routed: appending.routed.into_iter().flatten().collect(),
            commits: appending.commits,
        })
    }

    /// Says whether the description on disk could not be restored after a failure.
    pub(super) fn set_unstored(&self, unstored: bool) {
        self.unstored.store(unstored, Ordering::Release);
    }

    /// Replaces the settings.
    pub(super) fn set_settings(&self, settings: Settings) {
        *self.settings.lock() = settings;
    }

    /// Replaces the shards. `close` runs while no reader sees either list: a reader at the
    /// end of a closed shard finds its children.
    pub(super) fn set_topology(&self, topology: Topology, close: impl FnOnce()) {
        let mut current = self.topology.write();
        close();
        *current = Arc::new(topology);
    }

    /// Lets the puts try again that wait for a reshard.
    pub(super) fn reshard_ended(&self) {
        self.resharded.send_modify(|count| *count += 1);
    }

    fn deleted(&self) -> KinesisError {
        KinesisError::ResourceNotFound(format!("Stream {} has been deleted.", self.name))
    }
}

/// A put that is under way.
struct Appending {
    commits: Vec<Commit>,
    routed: Vec<Option<Routed>>,
    /// The positions of the records that no shard has taken yet.
    pending: Vec<usize>,
}

impl Appending {
    /// Offers the pending records to the shards that own their hash keys now.
    fn attempt(
        &mut self,
        stream: &Stream,
        records: &[(HashKey, NewRecord<'_>)],
        now: Moment,
    ) -> Result<(), KinesisError> {
        if stream.unstored.load(Ordering::Acquire) {
            return Err(KinesisError::Internal(format!(
                "stream {} cannot be stored; see the error of its last change",
                stream.name
            )));
        }
        let topology = stream.topology();
        let mut left = Vec::new();
        for (shard, members) in group(&topology, records, &self.pending)? {
            let batch: Vec<_> = members
                .iter()
                .filter_map(|member| records.get(*member).map(|(_, record)| *record))
                .collect();
            let appended = match shard.append(&batch, now) {
                Ok(appended) => appended,
                // A reshard closes it: its children are in the next topology.
                Err(AppendError::Closed) => {
                    left.extend(members);
                    continue;
                }
                Err(AppendError::Deleted) => return Err(stream.deleted()),
                Err(error) => return Err(KinesisError::Internal(error.to_string())),
            };
            self.commits.extend(appended.commit);
            for (member, outcome) in members.into_iter().zip(appended.outcomes) {
                let shard = Arc::clone(shard);
                if let Some(record) = self.routed.get_mut(member) {
                    *record = Some(Routed { shard, outcome });
                }
            }
        }
        left.sort_unstable();
        self.pending = left;
        Ok(())
    }
}

/// Shards, and the positions of the records that are for each.
type Groups<'t> = Vec<(&'t Arc<Shard>, Vec<usize>)>;

/// `pending` by shard, in order within each.
fn group<'t>(
    topology: &'t Topology,
    records: &[(HashKey, NewRecord<'_>)],
    pending: &[usize],
) -> Result<Groups<'t>, KinesisError> {
    let mut groups: Vec<Vec<usize>> = vec![Vec::new(); topology.open.len()];
    for member in pending {
        let key = records.get(*member).map(|(key, _)| *key);
        key.and_then(|key| topology.route(key))
            .and_then(|position| groups.get_mut(position))
            .ok_or_else(|| KinesisError::Internal("no open shard owns the hash key".to_owned()))?
            .push(*member);
    }
    let groups = topology.open.iter().zip(groups);
    Ok(groups.filter(|(_, members)| !members.is_empty()).collect())
}
