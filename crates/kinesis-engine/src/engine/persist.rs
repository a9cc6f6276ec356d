//! What of the engine outlives the process.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::AtomicU64},
};

use parking_lot::RwLock;

use super::{
    Engine,
    shard::{Opening, Shard},
    stream::Stream,
    subscriptions::Subscriptions,
    topology::Topology,
};
use crate::{
    arrivals::Arrivals,
    error::KinesisError,
    log::{OpenError, Store, StoredShard, StoredStream},
    options::Options,
};

impl Engine {
    /// An engine with the streams that its data directory holds, if it has one.
    ///
    /// # Errors
    ///
    /// [`OpenError`] says what of the stored state cannot be used.
    pub fn open(options: Options, arrivals: Arrivals) -> Result<Self, OpenError> {
        let (store, stored) = match &options.data_dir {
            Some(directory) => {
                let (store, stored) = Store::open(directory, options.fsync)?;
                (Some(store), stored)
            }
            None => (None, Vec::new()),
        };
        let engine = Self {
            options,
            arrivals,
            subscriptions: Subscriptions::default(),
            streams: RwLock::default(),
            stamp: AtomicU64::new(0),
            memory: Arc::default(),
            store,
        };
        let now = engine.clock().millis();
        let mut streams = BTreeMap::new();
        for stream in stored {
            let stream = engine.restore(stream)?;
            match stream.status(now) {
                Some(_) => drop(streams.insert(stream.name.clone(), stream)),
                None => engine.remove(&stream.name)?,
            }
        }
        *engine.streams.write() = streams;
        engine.relieve_memory();
        Ok(engine)
    }

    fn restore(&self, stored: StoredStream) -> Result<Arc<Stream>, OpenError> {
        let mut topology = Topology {
            next_number: stored.next_number,
            ..Topology::default()
        };
        for StoredShard { opening, closing } in stored.shards {
            self.stamp
                .fetch_max(opening.opened, std::sync::atomic::Ordering::Relaxed);
            let Some(store) = &self.store else { continue };
            let directory = store.shard_directory(&stored.name, &opening);
            let memory = Arc::clone(&self.memory);
            let closed = closing.is_some();
            let shard = Shard::recover(&opening, closing, memory, directory, store.fsync())?;
            let number = shard.number;
            topology = topology.replace(&[], vec![Arc::new(shard)]);
            if closed {
                topology = topology.replace(&[number], Vec::new());
            }
        }
        let arn = self.arn(&stored.name);
        let stream = Stream::new(stored.name, arn, stored.created, stored.settings, topology);
        Ok(Arc::new(stream))
    }

    /// A shard without records.
    ///
    /// # Errors
    ///
    /// `InternalFailure` if its log cannot be begun.
    pub fn open_shard(&self, stream: &str, opening: &Opening) -> Result<Arc<Shard>, KinesisError> {
        let memory = Arc::clone(&self.memory);
        let shard = match &self.store {
            Some(store) => {
                let directory = store.shard_directory(stream, opening);
                Shard::recover(opening, None, memory, directory, store.fsync())
                    .map_err(unwritable)?
            }
            None => Shard::open(opening, memory),
        };
        Ok(Arc::new(shard))
    }

    /// Writes down the stream as it is now.
    ///
    /// # Errors
    ///
    /// `InternalFailure` if it cannot be written; what was stored before stays.
    pub fn save(&self, stream: &Stream) -> Result<(), KinesisError> {
        stream.with_topology(|topology| self.save_with(stream, topology))
    }

    /// Writes down the stream with other shards than it has now.
    ///
    /// # Errors
    ///
    /// As [`Engine::save`].
    pub fn save_with(&self, stream: &Stream, topology: &Topology) -> Result<(), KinesisError> {
        let Some(store) = &self.store else {
            return Ok(());
        };
        let describe = || StoredStream {
            name: stream.name.clone(),
            created: stream.created,
            settings: stream.settings(),
            shards: topology
                .shards
                .iter()
                .map(|shard| StoredShard {
                    opening: shard.opening(),
                    closing: shard.closing(),
                })
                .collect(),
            next_number: topology.next_number,
        };
        store.save(describe).map_err(unwritable)
    }

    /// Removes what is stored of a deleted stream.
    ///
    /// # Errors
    ///
    /// `InternalFailure` if it cannot be removed.
    pub fn forget(&self, stream: &Stream) -> Result<(), KinesisError> {
        self.remove(&stream.name).map_err(unwritable)
    }

    /// Removes the log of a shard that is no longer part of its stream.
    pub fn forget_shard(&self, stream: &Stream, shard: &Shard) {
        if let Some(store) = &self.store {
            store.remove_shard(&stream.name, &shard.opening());
        }
    }

    fn remove(&self, stream: &str) -> Result<(), OpenError> {
        self.store
            .as_ref()
            .map_or(Ok(()), |store| store.remove(stream))
    }
}

#[allow(clippy::needless_pass_by_value)]
fn unwritable(error: OpenError) -> KinesisError {
    KinesisError::Internal(format!("the stored state cannot be changed: {error}"))
}
