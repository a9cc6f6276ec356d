//! The directory that holds all streams.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::OpenError;
use crate::{
    engine::{
        shard::{Closing, Opening},
        stream::Settings,
    },
    options::FsyncPolicy,
};

/// All streams on disk.
#[derive(Debug)]
pub struct Store {
    directory: PathBuf,
    fsync: FsyncPolicy,
    /// Keeps two versions of one description from crossing.
    saving: Mutex<()>,
    /// Locked for as long as the engine lives.
    _lock: File,
}

/// A stream's description: all of it but the records.
#[derive(Debug, Serialize, Deserialize)]
pub struct StoredStream {
    /// The stream's name.
    pub name: String,
    /// Milliseconds since the Unix epoch.
    pub created: u64,
    /// What can be changed about it.
    pub settings: Settings,
    /// Its shards, open and closed.
    pub shards: Vec<StoredShard>,
    /// The number that the next shard gets.
    pub next_number: u64,
}

/// A shard's description.
#[derive(Debug, Serialize, Deserialize)]
pub struct StoredShard {
    /// How it began.
    pub opening: Opening,
    /// How it ended, if it did.
    pub closing: Option<Closing>,
}

impl Store {
    /// Opens `{data_dir}/kinesis` and what it holds.
    ///
    /// # Errors
    ///
    /// [`OpenError::InUse`] if another process has it open.
    pub fn open(
        data_dir: &Path,
        fsync: FsyncPolicy,
    ) -> Result<(Self, Vec<StoredStream>), OpenError> {
        let directory = data_dir.join("kinesis");
        fs::create_dir_all(&directory).map_err(OpenError::io(&directory))?;
        let path = directory.join("lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(OpenError::io(&path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(OpenError::InUse { path: directory }),
            Err(TryLockError::Error(source)) => return Err(OpenError::Io { path, source }),
        }
        let store = Self {
            directory,
            fsync,
            saving: Mutex::new(()),
            _lock: lock,
        };
        let streams = store.load()?;
        Ok((store, streams))
    }

    /// Where the log of a shard is kept.
    #[must_use]
    pub fn shard_directory(&self, stream: &str, opening: &Opening) -> PathBuf {
        let Opening { number, opened, .. } = opening;
        self.stream_directory(stream)
            .join(format!("shard-{number:012}-{opened}"))
    }

    /// When writes count as done.
    #[must_use]
    pub fn fsync(&self) -> FsyncPolicy {
        self.fsync
    }

    /// Replaces a stream's description by what `describe` gives, whole or not
    /// at all.
    ///
    /// # Errors
    ///
    /// What the system says; the old description is in place then.
    pub fn save(&self, describe: impl FnOnce() -> StoredStream) -> Result<(), OpenError> {
        let _saving = self.saving.lock();
        let stream = describe();
        let directory = self.stream_directory(&stream.name);
        fs::create_dir_all(&directory).map_err(OpenError::io(&directory))?;
        let (new, path) = (
            directory.join("stream.json.new"),
            directory.join("stream.json"),
        );
        let text = serde_json::to_vec_pretty(&stream)
            .map_err(|error| OpenError::io(&path)(error.into()))?;
        let mut file = File::create(&new).map_err(OpenError::io(&new))?;
        file.write_all(&text).map_err(OpenError::io(&new))?;
        if self.fsync == FsyncPolicy::Always {
            file.sync_all().map_err(OpenError::io(&new))?;
        }
        fs::rename(&new, &path).map_err(OpenError::io(&path))
    }

    /// Deletes a stream with all its records.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn remove(&self, stream: &str) -> Result<(), OpenError> {
        let _saving = self.saving.lock();
        let directory = self.stream_directory(stream);
        let description = directory.join("stream.json");
        match fs::remove_file(&description) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(OpenError::io(&description)(error));
            }
            _ => {}
        }
        // Without its description a stream is gone: what is left of it, where a
        // put was still under way, is removed when the directory is opened next.
        if let Err(error) = fs::remove_dir_all(&directory) {
            tracing::warn!(path = %directory.display(), %error, "a deleted stream's files stay for now");
        }
        Ok(())
    }

    /// Deletes the log of a shard that no description names any more.
    pub fn remove_shard(&self, stream: &str, opening: &Opening) {
        let directory = self.shard_directory(stream, opening);
        if let Err(error) = fs::remove_dir_all(&directory) {
            tracing::warn!(path = %directory.display(), %error, "an expired shard's files stay");
        }
    }

    fn load(&self) -> Result<Vec<StoredStream>, OpenError> {
        let mut streams = Vec::new();
        for entry in fs::read_dir(&self.directory).map_err(OpenError::io(&self.directory))? {
            let directory = entry.map_err(OpenError::io(&self.directory))?.path();
            if directory
                .extension()
                .is_none_or(|extension| extension != "stream")
            {
                continue;
            }
            let path = directory.join("stream.json");
            if !path.exists() {
                // A creation or a deletion that was cut off.
                fs::remove_dir_all(&directory).map_err(OpenError::io(&directory))?;
                continue;
            }
            let text = fs::read(&path).map_err(OpenError::io(&path))?;
            let stream = serde_json::from_slice(&text).map_err(|error| OpenError::Damaged {
                path,
                offset: 0,
                reason: error.to_string(),
            })?;
            streams.push(stream);
        }
        Ok(streams)
    }

    /// The suffix keeps names such as `..` inside the directory.
    fn stream_directory(&self, stream: &str) -> PathBuf {
        self.directory.join(format!("{stream}.stream"))
    }
}
