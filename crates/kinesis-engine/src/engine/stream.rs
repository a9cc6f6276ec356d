//! One stream: its settings, and its shards.

use std::{collections::BTreeMap, sync::Arc};

use parking_lot::{Mutex, RwLock};
use serde::{Deserialize, Serialize};

use super::{
    consumer::Consumer,
    hash_key::HashKey,
    lifecycle::{Lifecycle, Status},
    moment::Moment,
    shard::{AppendError, NewRecord, Outcome, Shard},
    topology::Topology,
};
use crate::{error::KinesisError, log::Commit};

/// How a stream's capacity is managed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Mode {
    /// A number of shards that the owner sets.
    Provisioned,
    /// Shards are the service's business.
    OnDemand,
}

/// What can be changed about a stream besides its shards.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Settings {
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

/// A stream. Its locks are held to copy a reference or a setting, no longer.
#[derive(Debug)]
pub struct Stream {
    /// Unique in the account and region.
    pub name: String,
    /// `arn:aws:kinesis:{region}:{account}:stream/{name}`.
    pub arn: String,
    /// Milliseconds since the Unix epoch.
    pub created: u64,
    settings: Mutex<Settings>,
    topology: RwLock<Arc<Topology>>,
}

/// What became of a put.
#[derive(Debug)]
pub struct Put {
    /// For each record, in order.
    pub placed: Vec<Placed>,
    /// To wait for before the put is acknowledged.
    pub commits: Vec<Commit>,
}

/// Where one record of a put went.
#[derive(Debug, Clone)]
pub struct Placed {
    /// The shard that it was for.
    pub shard: Arc<Shard>,
    /// Stored or refused.
    pub outcome: Outcome,
}

impl Stream {
    /// A stream with its first shards.
    #[must_use]
    pub fn new(
        name: String,
        arn: String,
        created: u64,
        settings: Settings,
        topology: Topology,
    ) -> Self {
        Self {
            name,
            arn,
            created,
            settings: Mutex::new(settings),
            topology: RwLock::new(Arc::new(topology)),
        }
    }

    /// The shards as they are now.
    #[must_use]
    pub fn topology(&self) -> Arc<Topology> {
        Arc::clone(&self.topology.read())
    }

    /// A copy of the settings.
    #[must_use]
    pub fn settings(&self) -> Settings {
        self.settings.lock().clone()
    }

    /// Reads or changes the settings in place.
    pub fn with_settings<T>(&self, change: impl FnOnce(&mut Settings) -> T) -> T {
        change(&mut self.settings.lock())
    }

    /// The status at `now` (milliseconds); `None` once it is deleted.
    #[must_use]
    pub fn status(&self, now: u64) -> Option<Status> {
        self.settings.lock().lifecycle.at(now)
    }

    /// The shard that `id` names.
    ///
    /// # Errors
    ///
    /// `ResourceNotFoundException` if there is none.
    pub fn shard(&self, id: &str, account: &str) -> Result<Arc<Shard>, KinesisError> {
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
    /// `InternalFailure` if a shard's log cannot be written: SDKs then send all
    /// records again, also those that other shards have stored.
    pub fn append(
        &self,
        records: &[(HashKey, NewRecord<'_>)],
        now: Moment,
    ) -> Result<Put, KinesisError> {
        let mut commits = Vec::new();
        let mut placed: Vec<Option<Placed>> = vec![None; records.len()];
        let mut pending: Vec<usize> = (0..records.len()).collect();
        while !pending.is_empty() {
            let topology = self.topology();
            let mut left = Vec::new();
            for (shard, members) in group(&topology, records, &pending)? {
                let batch: Vec<_> = members
                    .iter()
                    .filter_map(|member| records.get(*member).map(|(_, record)| *record))
                    .collect();
                let appended = match shard.append(&batch, now) {
                    Ok(appended) => appended,
                    // Closed since the topology was read: its children are, or
                    // in a moment will be, in the next one.
                    Err(AppendError::Closed) => {
                        left.extend(members);
                        continue;
                    }
                    Err(error) => return Err(KinesisError::Internal(error.to_string())),
                };
                commits.extend(appended.commit);
                for (member, outcome) in members.into_iter().zip(appended.outcomes) {
                    let shard = Arc::clone(shard);
                    if let Some(place) = placed.get_mut(member) {
                        *place = Some(Placed { shard, outcome });
                    }
                }
            }
            left.sort_unstable();
            pending = left;
        }
        let placed = placed.into_iter().flatten().collect();
        Ok(Put { placed, commits })
    }

    /// Looks at the shards while nothing can replace them.
    pub fn with_topology<T>(&self, look: impl FnOnce(&Topology) -> T) -> T {
        look(&self.topology.read())
    }

    /// Replaces the shards by what `change` makes of them. Puts go on in the
    /// meantime, to the shards that `change` has not closed.
    ///
    /// # Errors
    ///
    /// Whatever `change` refuses; nothing is replaced then.
    pub fn reshard<E>(
        &self,
        change: impl FnOnce(&Topology) -> Result<Topology, E>,
    ) -> Result<(), E> {
        let mut topology = self.topology.write();
        *topology = Arc::new(change(&topology)?);
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
