//! What Kinesis is, without its wire: streams, shards, records, positions.

pub mod batch;
mod change;
pub mod consumer;
pub mod hash_key;
pub mod iterator;
pub mod lifecycle;
pub mod moment;
mod persist;
mod put;
pub mod record;
mod reshard;
pub mod sequence;
pub mod shard;
pub mod stream;
pub mod subscriptions;
pub mod sweep;
mod throttle;
pub mod token;
pub mod topology;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::RwLock;

use self::{
    hash_key::HashKeyRange,
    lifecycle::{Lifecycle, Status},
    moment::Moment,
    shard::Opening,
    stream::{Mode, Settings, Stream},
    subscriptions::Subscriptions,
    topology::Topology,
};
use super::{arrivals::Arrivals, clock::Clock, error::KinesisError, log::Store, options::Options};

/// All streams of one account and region.
#[derive(Debug)]
pub struct Engine {
    /// What the engine was opened with.
    pub options: Options,
    /// Wakes readers.
    pub arrivals: Arrivals,
    /// Who is subscribed to which shard.
    pub subscriptions: Subscriptions,
    streams: RwLock<BTreeMap<String, Arc<Stream>>>,
    /// The last stamp given out, microseconds since the Unix epoch.
    stamp: AtomicU64,
    /// Bytes that the records of all shards take.
    memory: Arc<AtomicU64>,
    /// Where state outlives the process.
    store: Option<Store>,
}

/// How long records are kept unless the stream says otherwise, hours (API
/// reference, `IncreaseStreamRetentionPeriod`).
pub const DEFAULT_RETENTION_HOURS: u32 = 24;
/// The largest record unless the stream says otherwise, KiB (API reference,
/// `CreateStream`, `MaxRecordSizeInKiB`).
pub const DEFAULT_MAX_RECORD_KIB: u32 = 1024;
const MILLIS_PER_HOUR: u64 = 60 * 60 * 1000;

impl Engine {
    /// Where the time comes from.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.options.clock
    }

    /// A time that is later than every one given out before, microseconds.
    #[must_use]
    pub fn stamp(&self) -> u64 {
        let now = self.clock().micros();
        let previous = self
            .stamp
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| {
                Some(now.max(last + 1))
            });
        previous.map_or(now, |last| now.max(last + 1))
    }

    /// The time, with what it means for `stream`.
    #[must_use]
    pub fn moment(&self, stream: &Stream) -> Moment {
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
    pub fn arn(&self, name: &str) -> String {
        let Options {
            region, account, ..
        } = &self.options;
        format!("arn:aws:kinesis:{region}:{account}:stream/{name}")
    }

    /// `count` shards that share the hash key space evenly.
    fn even_topology(&self, stream: &str, count: u32) -> Result<Topology, KinesisError> {
        let openings = HashKeyRange::evenly(count).into_iter().zip(0..);
        let shards = openings.map(|(range, number)| {
            let opening = Opening {
                number,
                range,
                parent: None,
                adjacent_parent: None,
                opened: self.stamp(),
            };
            self.open_shard(stream, &opening)
        });
        Ok(Topology::default().replace(&[], shards.collect::<Result<_, _>>()?))
    }

    /// Adds a stream, which is CREATING for the transition delay.
    ///
    /// # Errors
    ///
    /// `ResourceInUseException` if one of that name exists.
    pub fn create(
        &self,
        name: &str,
        shards: u32,
        mut settings: Settings,
    ) -> Result<Arc<Stream>, KinesisError> {
        let now = self.clock().millis();
        settings.lifecycle = self.passing(Status::Creating, now);
        let mut streams = self.streams.write();
        if let Some(stream) = streams.get(name) {
            if stream.status(now).is_some() {
                return Err(KinesisError::ResourceInUse(format!(
                    "Stream {name} under account {} already exists.",
                    self.options.account
                )));
            }
            self.forget(stream)?;
        }
        let topology = self.even_topology(name, shards)?;
        let stream = Arc::new(Stream::new(
            name.to_owned(),
            self.arn(name),
            now,
            settings,
            topology,
        ));
        self.save(&stream)?;
        streams.insert(name.to_owned(), Arc::clone(&stream));
        drop(streams);
        self.announce_shards(&stream);
        Ok(stream)
    }

    /// Starts deleting `stream`, and lets its readers know.
    ///
    /// # Errors
    ///
    /// `InternalFailure` if the stored state cannot be changed.
    pub fn delete(&self, stream: &Arc<Stream>) -> Result<(), KinesisError> {
        let now = self.clock().millis();
        let deleting = self.passing(Status::Deleting, now);
        self.change(stream, |settings| {
            settings.lifecycle = deleting;
            Ok(())
        })?;
        if deleting.at(now).is_none() {
            let mut streams = self.streams.write();
            self.forget(stream)?;
            streams.remove(&stream.name);
        }
        for shard in &stream.topology().shards {
            self.arrivals.notify_records(&stream.name, &shard.id);
        }
        self.announce_shards(stream);
        Ok(())
    }

    /// The stream that a request names by name, ARN or both.
    ///
    /// # Errors
    ///
    /// `InvalidArgumentException` if it names none or two,
    /// `ResourceNotFoundException` if the stream does not exist.
    pub fn stream(
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
    pub fn readable(
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
    pub fn changeable(
        &self,
        name: Option<&str>,
        arn: Option<&str>,
    ) -> Result<Arc<Stream>, KinesisError> {
        let stream = self.stream(name, arn)?;
        if stream.status(self.clock().millis()) == Some(Status::Active) {
            return Ok(stream);
        }
        Err(KinesisError::ResourceInUse(format!(
            "Stream {} under account {} not ACTIVE.",
            stream.name, self.options.account
        )))
    }

    /// All streams, by name.
    #[must_use]
    pub fn streams(&self) -> Vec<Arc<Stream>> {
        let now = self.clock().millis();
        let streams = self.streams.read();
        let present = streams
            .values()
            .filter(|stream| stream.status(now).is_some());
        present.cloned().collect()
    }

    /// Bytes that all stored records take.
    #[must_use]
    pub fn memory(&self) -> u64 {
        self.memory.load(Ordering::Relaxed)
    }

    /// `status` for the transition delay, from `now` in milliseconds.
    #[must_use]
    pub fn passing(&self, status: Status, now: u64) -> Lifecycle {
        let delay = u64::try_from(self.options.transition_delay.as_millis()).unwrap_or(u64::MAX);
        Lifecycle::passing(status, now.saturating_add(delay))
    }

    /// Says that the stream's shards or status changed, now and when the
    /// transition that has just begun is over.
    pub fn announce_shards(&self, stream: &Stream) {
        self.arrivals.notify_shards(&stream.name);
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
