//! Kinesis without its wire: streams, shards, records, shard iterators.

pub(crate) mod batch;
mod change;
pub(crate) mod consumer;
pub(crate) mod hash_key;
pub(crate) mod iterator;
pub(crate) mod lifecycle;
pub(crate) mod moment;
mod persist;
mod put;
pub(crate) mod record;
mod reshard;
pub(crate) mod sequence;
pub(crate) mod shard;
mod shard_state;
pub(crate) mod stream;
pub(crate) mod subscriptions;
pub(crate) mod sweep;
pub(crate) mod throttle;
pub(crate) mod token;
pub(crate) mod topology;

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use movable_clock::Clock;
use parking_lot::{Mutex, RwLock};

use self::{
    hash_key::HashKeyRange,
    lifecycle::{Lifecycle, Status},
    moment::Moment,
    shard::Opening,
    stream::{Mode, Settings, Stream},
    subscriptions::Subscriptions,
    topology::Topology,
};
use super::{arrivals::Arrivals, error::KinesisError, log::Store, options::Options};

/// All streams of one account and region.
#[derive(Debug)]
pub(crate) struct Engine {
    /// Settings that hold for the engine's life.
    pub options: Options,
    /// Wakes readers.
    pub arrivals: Arrivals,
    /// The subscriptions of enhanced fan-out.
    pub subscriptions: Subscriptions,
    /// Locked to look a stream up or to replace one, never over disk work.
    streams: RwLock<BTreeMap<String, Arc<Stream>>>,
    /// Held while a stream is created or removed, also on disk. Taken before
    /// a stream's own `changing`.
    changing: Mutex<()>,
    /// The last stamp given out, microseconds since the Unix epoch.
    stamp: AtomicU64,
    /// Bytes that the records of all shards take.
    memory: Arc<AtomicU64>,
    /// Where state outlives the process.
    store: Option<Store>,
}

/// How long records are kept unless the stream says otherwise, hours (API
/// reference, `IncreaseStreamRetentionPeriod`).
pub(crate) const DEFAULT_RETENTION_HOURS: u32 = 24;
/// The largest record unless the stream says otherwise, KiB (API reference,
/// `CreateStream`, `MaxRecordSizeInKiB`).
pub(crate) const DEFAULT_MAX_RECORD_KIB: u32 = 1024;
const MILLIS_PER_HOUR: u64 = 60 * 60 * 1000;

impl Engine {
    /// Where the time comes from.
    #[must_use]
    pub(crate) fn clock(&self) -> &Clock {
        &self.options.clock
    }

    /// A time that is later than every one given out before, microseconds.
    #[must_use]
    pub(crate) fn stamp(&self) -> u64 {
        let now = self.clock().micros();
        let previous = self
            .stamp
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| {
                Some(now.max(last + 1))
            });
        previous.map_or(now, |last| now.max(last + 1))
    }

    /// The time, with `stream`'s retention and limits.
    #[must_use]
    pub(crate) fn moment(&self, stream: &Stream) -> Moment {
        let micros = self.clock().micros();
        let enforce = self.options.enforce_limits;
        let (retention, limited) = stream.with_settings(|settings| {
            let retention = u64::from(settings.retention_hours) * MILLIS_PER_HOUR;
            (retention, enforce && settings.mode == Mode::Provisioned)
        });
        Moment {
            micros,
            horizon: (micros / 1000).saturating_sub(retention),
            limited,
        }
    }

    /// The ARN of a stream called `name`.
    #[must_use]
    pub(crate) fn arn(&self, name: &str) -> String {
        let Options {
            region, account, ..
        } = &self.options;
        format!("arn:aws:kinesis:{region}:{account}:stream/{name}")
    }

    /// `count` shards that share the hash key space evenly.
    fn even_topology(&self, folder: Option<&Path>, count: u32) -> Result<Topology, KinesisError> {
        let openings = HashKeyRange::evenly(count).into_iter().zip(0..);
        let shards = openings.map(|(range, number)| {
            let opening = Opening {
                number,
                range,
                parent: None,
                adjacent_parent: None,
                opened: self.stamp(),
            };
            self.open_shard(folder, &opening)
        });
        Ok(Topology::default().replace(&[], shards.collect::<Result<_, _>>()?))
    }

    /// Adds a stream, which is CREATING for the transition delay.
    ///
    /// # Errors
    ///
    /// `ResourceInUseException` if one of that name exists.
    pub(crate) fn create(
        &self,
        name: &str,
        shards: u32,
        mut settings: Settings,
    ) -> Result<Arc<Stream>, KinesisError> {
        let _changing = self.changing.lock();
        let now = self.clock().millis();
        settings.lifecycle = self.passing(Status::Creating, now);
        let present = self.streams.read().get(name).cloned();
        if let Some(stream) = present {
            if stream.status(now).is_some() {
                return Err(KinesisError::ResourceInUse(format!(
                    "Stream {name} under account {} already exists.",
                    self.options.account
                )));
            }
            self.remove(&stream)?;
        }
        let folder = self.create_folder(name)?;
        let topology = self.even_topology(folder.as_deref(), shards)?;
        let stream = Arc::new(Stream::new(
            name.to_owned(),
            self.arn(name),
            now,
            settings,
            topology,
            folder,
        ));
        if let Err(error) = self.save_new(&stream) {
            // The description may be in effect although it could not be flushed.
            let _ignored = self.forget(&stream);
            return Err(error);
        }
        self.streams
            .write()
            .insert(name.to_owned(), Arc::clone(&stream));
        self.announce_shards(&stream);
        Ok(stream)
    }

    /// Starts deleting `stream`, and wakes its readers.
    ///
    /// # Errors
    ///
    /// `ResourceNotFoundException` if it is gone already, `ResourceInUseException` if
    /// `check` finds it in use, `InternalFailure` if the stored state cannot be changed.
    pub(crate) fn delete(
        self: &Arc<Self>,
        stream: &Arc<Stream>,
        check: impl FnOnce(&Settings) -> Result<(), KinesisError>,
    ) -> Result<(), KinesisError> {
        let deleting = self.passing(Status::Deleting, self.clock().millis());
        let consumers = self.change(stream, |settings| {
            check(settings)?;
            settings.lifecycle = deleting;
            Ok(std::mem::take(&mut settings.consumers))
        })?;
        for consumer in consumers.values() {
            self.subscriptions.end(&consumer.arn);
        }
        if self.options.transition_delay.is_zero() {
            let _changing = self.changing.lock();
            self.remove(stream)?;
        } else {
            sweep::remove_later(self, stream);
        }
        self.announce_deletion(stream);
        Ok(())
    }

    /// Removes a stream that is deleted, frees its records and deletes its files. The
    /// caller holds `changing`.
    fn remove(&self, stream: &Arc<Stream>) -> Result<(), KinesisError> {
        let listed = |streams: &BTreeMap<String, Arc<Stream>>| {
            let found = streams.get(&stream.name);
            found.is_some_and(|found| Arc::ptr_eq(found, stream))
        };
        // Another deletion may have removed it, and a creation replaced it.
        if !listed(&self.streams.read()) {
            return Ok(());
        }
        {
            let _changing = stream.changing.lock();
            // First: a put must not look for files that are gone.
            for shard in &stream.topology().shards {
                shard.delete();
            }
            self.forget(stream)?;
        }
        self.streams.write().remove(&stream.name);
        Ok(())
    }

    /// Frees the streams whose deletion is complete.
    pub(crate) fn free_deleted(&self) {
        let now = self.clock().millis();
        let gone = |stream: &&Arc<Stream>| stream.status(now).is_none();
        let deleted: Vec<_> = self.streams.read().values().filter(gone).cloned().collect();
        for stream in deleted {
            let _changing = self.changing.lock();
            if let Err(error) = self.remove(&stream) {
                tracing::warn!(stream = stream.name, %error, "a deleted stream's files stay for now");
            }
        }
    }

    /// Wakes the readers of a stream's shards and of its list of shards.
    pub(crate) fn announce_deletion(&self, stream: &Stream) {
        for shard in &stream.topology().shards {
            self.arrivals.notify_records(&stream.name, &shard.id);
        }
        self.announce_shards(stream);
    }

    /// The stream that a request names by name, ARN or both.
    ///
    /// # Errors
    ///
    /// `InvalidArgumentException` if it names none or two,
    /// `ResourceNotFoundException` if the stream does not exist.
    pub(crate) fn stream(
        &self,
        name: Option<&str>,
        arn: Option<&str>,
    ) -> Result<Arc<Stream>, KinesisError> {
        let of_arn = arn
            .and_then(|arn| arn.split_once(":stream/"))
            .map(|(_, name)| name);
        let name = match (name, of_arn) {
            (Some(name), Some(of_arn)) if name != of_arn => {
                return Err(KinesisError::InvalidArgument(format!(
                    "StreamName {name} and StreamARN name different streams"
                )));
            }
            (Some(name), _) | (None, Some(name)) => name,
            (None, None) => {
                return Err(KinesisError::InvalidArgument(
                    "Either StreamName or StreamARN must name a stream".to_owned(),
                ));
            }
        };
        let now = self.clock().millis();
        let found = self.streams.read().get(name).cloned();
        found
            .filter(|stream| {
                stream.status(now).is_some() && arn.is_none_or(|arn| arn == stream.arn)
            })
            .ok_or_else(|| self.no_such_stream(name))
    }

    /// Like [`Engine::stream`], for reads and writes: a stream that is being
    /// created has nothing to read or write yet.
    ///
    /// # Errors
    ///
    /// As [`Engine::stream`].
    pub(crate) fn readable(
        &self,
        name: Option<&str>,
        arn: Option<&str>,
    ) -> Result<Arc<Stream>, KinesisError> {
        let stream = self.stream(name, arn)?;
        if stream.status(self.clock().millis()) == Some(Status::Creating) {
            return Err(self.no_such_stream(&stream.name));
        }
        Ok(stream)
    }

    /// Like [`Engine::stream`], for changes: only an ACTIVE stream takes them.
    ///
    /// # Errors
    ///
    /// As [`Engine::stream`], and `ResourceInUseException`.
    pub(crate) fn changeable(
        &self,
        name: Option<&str>,
        arn: Option<&str>,
    ) -> Result<Arc<Stream>, KinesisError> {
        let stream = self.stream(name, arn)?;
        stream.with_settings(|settings| self.check_active(&stream.name, settings))?;
        Ok(stream)
    }

    /// # Errors
    ///
    /// `ResourceInUseException` if the stream with these settings is not ACTIVE.
    fn check_active(&self, stream: &str, settings: &Settings) -> Result<(), KinesisError> {
        if settings.lifecycle.at(self.clock().millis()) == Some(Status::Active) {
            return Ok(());
        }
        Err(KinesisError::ResourceInUse(format!(
            "Stream {stream} under account {} not ACTIVE.",
            self.options.account
        )))
    }

    /// All streams, by name.
    #[must_use]
    pub(crate) fn streams(&self) -> Vec<Arc<Stream>> {
        let now = self.clock().millis();
        let streams = self.streams.read();
        let present = streams
            .values()
            .filter(|stream| stream.status(now).is_some());
        present.cloned().collect()
    }

    /// Bytes that all stored records take.
    #[must_use]
    pub(crate) fn memory(&self) -> u64 {
        self.memory.load(Ordering::Relaxed)
    }

    /// `status` for the transition delay, from `now` in milliseconds.
    #[must_use]
    pub(crate) fn passing(&self, status: Status, now: u64) -> Lifecycle {
        let delay = u64::try_from(self.options.transition_delay.as_millis()).unwrap_or(u64::MAX);
        Lifecycle::passing(status, now.saturating_add(delay))
    }

    /// Wakes the readers of the stream's list of shards, now and at the end of the
    /// transition that has begun.
    pub(crate) fn announce_shards(&self, stream: &Stream) {
        self.arrivals.notify_shards(&stream.name);
        if let Some(observer) = self.options.observer.get() {
            observer.shards_changed(&stream.name);
        }
        let delay = self.options.transition_delay;
        if delay.is_zero() {
            return;
        }
        let (arrivals, name) = (self.arrivals.clone(), stream.name.clone());
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            arrivals.notify_shards(&name);
        });
    }

    fn no_such_stream(&self, name: &str) -> KinesisError {
        KinesisError::ResourceNotFound(format!(
            "Stream {name} under account {} not found.",
            self.options.account
        ))
    }
}
