//! Stores streams, and restores them at start.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicU64},
};

use durable_files::Disk;
use parking_lot::{Mutex, RwLock};

use super::{
    Engine,
    shard::{Closing, Opening, Shard},
    stream::{Settings, Stream},
    subscriptions::Subscriptions,
    topology::Topology,
};
use crate::{
    arrivals::Arrivals,
    error::KinesisError,
    log::{OpenError, SaveError, Store, StoredShard, StoredStream},
    options::Options,
};

impl Engine {
    /// An engine with the streams that its data folder on `disk` holds, if it has one.
    ///
    /// # Errors
    ///
    /// [`OpenError`] says which part of the stored state cannot be used.
    pub(crate) fn open(
        disk: Arc<dyn Disk>,
        options: Options,
        arrivals: Arrivals,
    ) -> Result<Self, OpenError> {
        let (store, stored) = match &options.data_dir {
            Some(folder) => {
                let (store, stored) = Store::open(disk, folder, options.fsync)?;
                (Some(store), stored)
            }
            None => (None, Vec::new()),
        };
        let engine = Self {
            options,
            arrivals,
            subscriptions: Subscriptions::default(),
            streams: RwLock::default(),
            changing: Mutex::default(),
            stamp: AtomicU64::new(0),
            memory: Arc::default(),
            store,
        };
        let now = engine.clock().millis();
        let mut streams = BTreeMap::new();
        for (folder, stream) in stored {
            if stream.settings.lifecycle.at(now).is_none() {
                if let Some(store) = &engine.store {
                    store.remove(&folder)?;
                }
                continue;
            }
            let stream = engine.restore(folder, stream)?;
            streams.insert(stream.name.clone(), stream);
        }
        *engine.streams.write() = streams;
        engine.relieve_memory();
        Ok(engine)
    }

    fn restore(&self, folder: PathBuf, stored: StoredStream) -> Result<Arc<Stream>, OpenError> {
        let mut topology = Topology {
            next_number: stored.next_number,
            ..Topology::default()
        };
        for StoredShard { opening, closing } in stored.shards {
            self.stamp
                .fetch_max(opening.opened, std::sync::atomic::Ordering::Relaxed);
            let Some(store) = &self.store else { continue };
            let memory = Arc::clone(&self.memory);
            let closed = closing.is_some();
            let shard = Shard::recover(&opening, closing, memory, store, &folder)?;
            let number = shard.number;
            topology = topology.replace(&[], vec![Arc::new(shard)]);
            if closed {
                topology = topology.replace(&[number], Vec::new());
            }
        }
        let arn = self.arn(&stored.name);
        let (created, settings) = (stored.created, stored.settings);
        let folder = Some(folder);
        let stream = Stream::new(stored.name, arn, created, settings, topology, folder);
        Ok(Arc::new(stream))
    }

    /// The folder of a new stream; `None` in memory.
    ///
    /// # Errors
    ///
    /// `InternalFailure` if it cannot be created.
    pub(crate) fn create_folder(&self, stream: &str) -> Result<Option<PathBuf>, KinesisError> {
        let Some(store) = &self.store else {
            return Ok(None);
        };
        let folder = store.create(stream, self.stamp());
        folder.map(Some).map_err(unwritable)
    }

    /// A shard without records, of the stream in `folder`.
    ///
    /// # Errors
    ///
    /// `InternalFailure` if its log cannot be opened.
    pub(crate) fn open_shard(
        &self,
        folder: Option<&Path>,
        opening: &Opening,
    ) -> Result<Arc<Shard>, KinesisError> {
        let memory = Arc::clone(&self.memory);
        let shard = match self.store.as_ref().zip(folder) {
            Some((store, folder)) => {
                Shard::recover(opening, None, memory, store, folder).map_err(unwritable)?
            }
            None => Shard::open(opening, memory),
        };
        Ok(Arc::new(shard))
    }

    /// Stores the description of a new stream.
    ///
    /// # Errors
    ///
    /// `InternalFailure` if it cannot be written; it may be in effect all the same.
    pub(crate) fn save_new(&self, stream: &Stream) -> Result<(), KinesisError> {
        self.save(stream, &stream.settings(), &stream.topology(), &[])
            .map_err(unwritable)
    }

    /// Stores the description of a stream in use: `settings` and `topology`, with the
    /// shards in `closings` closed. The caller holds the stream's `changing`.
    ///
    /// # Errors
    ///
    /// `InternalFailure` if it cannot be written. Where the new description may then be in
    /// effect at the next start, the present one is stored again; if that fails too, the
    /// stream takes no further records.
    pub(crate) fn save_change(
        &self,
        stream: &Stream,
        settings: &Settings,
        topology: &Topology,
        closings: &[(Arc<Shard>, Closing)],
    ) -> Result<(), KinesisError> {
        let saved = self.save(stream, settings, topology, closings);
        match &saved {
            Ok(()) => stream.set_unstored(false),
            Err(SaveError::Unchanged(_)) => {}
            Err(SaveError::Unknown(_)) => {
                let restored = self.save(stream, &stream.settings(), &stream.topology(), &[]);
                stream.set_unstored(restored.is_err());
            }
        }
        saved.map_err(unwritable)
    }

    fn save(
        &self,
        stream: &Stream,
        settings: &Settings,
        topology: &Topology,
        closings: &[(Arc<Shard>, Closing)],
    ) -> Result<(), SaveError> {
        let Some((store, folder)) = self.store.as_ref().zip(stream.folder.as_ref()) else {
            return Ok(());
        };
        let closing = |shard: &Arc<Shard>| {
            let new = closings
                .iter()
                .find(|(closed, _)| Arc::ptr_eq(closed, shard));
            new.map_or_else(|| shard.closing(), |(_, closing)| Some(closing.clone()))
        };
        let shards = topology.shards.iter().map(|shard| StoredShard {
            opening: shard.opening(),
            closing: closing(shard),
        });
        let description = StoredStream {
            name: stream.name.clone(),
            created: stream.created,
            settings: settings.clone(),
            shards: shards.collect(),
            next_number: topology.next_number,
        };
        store.save(folder, &description)
    }

    /// Removes the files of a deleted stream.
    ///
    /// # Errors
    ///
    /// `InternalFailure` if they cannot be removed.
    pub(crate) fn forget(&self, stream: &Stream) -> Result<(), KinesisError> {
        match self.store.as_ref().zip(stream.folder.as_ref()) {
            Some((store, folder)) => store.remove(folder).map_err(unwritable),
            None => Ok(()),
        }
    }

    /// Removes the log of a shard that is no longer part of its stream.
    pub(crate) fn forget_shard(&self, stream: &Stream, shard: &Shard) {
        if let Some((store, folder)) = self.store.as_ref().zip(stream.folder.as_ref()) {
            store.remove_shard(folder, &shard.opening());
        }
    }
}

#[allow(clippy::needless_pass_by_value)]
fn unwritable(error: impl std::fmt::Display) -> KinesisError {
    KinesisError::Internal(format!("the stored state cannot be changed: {error}"))
}
