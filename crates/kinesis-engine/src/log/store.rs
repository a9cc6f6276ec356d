//! The folder that holds all streams.

use std::{
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::Arc,
};

use durable_files::{Disk, FsyncPolicy, Lock};
use serde::{Deserialize, Serialize};

use super::{OpenError, open_files::OpenFiles, shard_log::ShardLog};
use crate::{
    engine::{
        shard::{Closing, Opening},
        stream::Settings,
    },
    log::Entry,
    log::shard_log::Recovered,
};

/// All streams on disk.
#[derive(Debug)]
pub(crate) struct Store {
    folder: PathBuf,
    fsync: FsyncPolicy,
    files: Arc<OpenFiles>,
    /// Held for as long as the engine lives.
    _lock: Lock,
}

/// A stream's description: all of it but the records.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StoredStream {
    /// The stream's name.
    pub(crate) name: String,
    /// Milliseconds since the Unix epoch.
    pub(crate) created: u64,
    /// Its settings.
    pub(crate) settings: Settings,
    /// Its shards, open and closed.
    pub(crate) shards: Vec<StoredShard>,
    /// The number that the next shard gets.
    pub(crate) next_number: u64,
}

/// A shard's description.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StoredShard {
    /// How it began.
    pub(crate) opening: Opening,
    /// How it ended, if it did.
    pub(crate) closing: Option<Closing>,
}

/// A description that could not be stored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SaveError {
    /// The old description is in effect.
    #[error(transparent)]
    Unchanged(OpenError),
    /// At the next start, the old or the new description is in effect.
    #[error(transparent)]
    Unknown(OpenError),
}

const DESCRIPTION: &str = "stream.json";

impl Store {
    /// Opens `{data_dir}/kinesis`; returns the streams in it with their folders.
    ///
    /// # Errors
    ///
    /// [`OpenError::InUse`] if another process has it open.
    pub(crate) fn open(
        disk: Arc<dyn Disk>,
        data_dir: &Path,
        fsync: FsyncPolicy,
    ) -> Result<(Self, Vec<(PathBuf, StoredStream)>), OpenError> {
        let folder = data_dir.join("kinesis");
        disk.create_folders(&folder)
            .map_err(OpenError::io(&folder))?;
        let path = folder.join("lock");
        let lock = disk.lock(&path).map_err(OpenError::io(&path))?;
        let Some(lock) = lock else {
            return Err(OpenError::InUse { path: folder });
        };
        let store = Self {
            folder,
            fsync,
            files: OpenFiles::new(disk),
            _lock: lock,
        };
        for folder in store.folder.ancestors() {
            let relative = folder.as_os_str().is_empty();
            let folder = if relative { Path::new(".") } else { folder };
            match store.sync_folder(folder) {
                // A folder that this user may not open was there before.
                Err(error) if error.kind() != ErrorKind::PermissionDenied => {
                    return Err(OpenError::io(folder)(error));
                }
                _ => {}
            }
        }
        let streams = store.load()?;
        Ok((store, streams))
    }

    /// Creates the folder of a new stream; `created` (microseconds) tells it from those of
    /// its namesakes, also on disks that ignore case.
    ///
    /// # Errors
    ///
    /// The folder cannot be created.
    pub(crate) fn create(&self, stream: &str, created: u64) -> Result<PathBuf, OpenError> {
        let folder = self.folder.join(format!("{stream}.{created}.stream"));
        let created = self.disk().create_folder(&folder);
        created.map_err(OpenError::io(&folder))?;
        Ok(folder)
    }

    /// Opens the log of a shard of the stream in `folder`.
    ///
    /// # Errors
    ///
    /// As [`ShardLog::open`].
    pub(crate) fn shard(
        &self,
        folder: &Path,
        opening: &Opening,
        restore: impl FnMut(Entry<'_>),
    ) -> Result<Recovered, OpenError> {
        let folder = shard_folder(folder, opening);
        ShardLog::open(Arc::clone(&self.files), folder, self.fsync, restore)
    }

    /// Replaces the description in a stream's folder, whole or not at all. The caller keeps
    /// two versions from crossing.
    ///
    /// # Errors
    ///
    /// [`SaveError`] says whether the old description is still in effect.
    pub(crate) fn save(&self, folder: &Path, stream: &StoredStream) -> Result<(), SaveError> {
        let (new, path) = (folder.join("stream.json.new"), folder.join(DESCRIPTION));
        self.write(&new, stream)
            .map_err(|error| SaveError::Unchanged(OpenError::io(&new)(error)))?;
        self.disk()
            .rename(&new, &path)
            .and_then(|()| self.sync_folder(folder))
            // The folder's own name is new with the stream's first description.
            .and_then(|()| self.sync_folder(&self.folder))
            .map_err(|error| SaveError::Unknown(OpenError::io(&path)(error)))
    }

    fn write(&self, path: &Path, stream: &StoredStream) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(&stream)?;
        let file = self.disk().open(path)?;
        // A failed attempt may have left its text.
        file.set_length(0)?;
        file.append(&text)?;
        if self.fsync == FsyncPolicy::Always {
            file.sync()?;
        }
        Ok(())
    }

    /// Deletes a stream's folder with all its records.
    ///
    /// # Errors
    ///
    /// The folder cannot be renamed; the stream is still there.
    pub(crate) fn remove(&self, folder: &Path) -> Result<(), OpenError> {
        // A rename is whole or not at all. What is left under the new name is deleted at
        // the next start, such as the file of a put that was under way.
        let deleted = folder.with_extension("deleted");
        let renamed = self.disk().rename(folder, &deleted);
        renamed
            .and_then(|()| self.sync_folder(&self.folder))
            .map_err(OpenError::io(folder))?;
        self.purge(&deleted);
        Ok(())
    }

    fn purge(&self, folder: &Path) {
        if let Err(error) = self.disk().remove_folder(folder) {
            tracing::warn!(path = %folder.display(), %error, "a deleted stream's files stay for now");
        }
    }

    /// Deletes the log of a shard that no description names any more.
    pub(crate) fn remove_shard(&self, folder: &Path, opening: &Opening) {
        let folder = shard_folder(folder, opening);
        match self.disk().remove_folder(&folder) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                tracing::warn!(path = %folder.display(), %error, "an expired shard's files stay");
            }
            _ => {}
        }
    }

    fn load(&self) -> Result<Vec<(PathBuf, StoredStream)>, OpenError> {
        let mut streams: Vec<(PathBuf, StoredStream)> = Vec::new();
        let names = self.disk().list(&self.folder);
        for name in names.map_err(OpenError::io(&self.folder))? {
            let folder = self.folder.join(&name);
            match folder.extension().and_then(|extension| extension.to_str()) {
                Some("deleted") => self.purge(&folder),
                Some("stream") => {
                    let stream = self.describe(&folder)?;
                    streams.extend(stream.map(|stream| (folder, stream)));
                }
                _ => {}
            }
        }
        // Without flushes, a power failure can bring back a stream that was deleted before
        // its namesake was created.
        streams.sort_by_key(|(_, stream)| std::cmp::Reverse(stream.created));
        let mut kept: Vec<(PathBuf, StoredStream)> = Vec::new();
        for (folder, stream) in streams {
            if kept.iter().any(|(_, newer)| newer.name == stream.name) {
                self.remove(&folder)?;
            } else {
                kept.push((folder, stream));
            }
        }
        Ok(kept)
    }

    /// Reads the description in a stream's folder.
    fn describe(&self, folder: &Path) -> Result<Option<StoredStream>, OpenError> {
        let path = folder.join(DESCRIPTION);
        let text = match self.disk().read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.set_aside(folder).map_err(OpenError::io(folder))?;
                return Ok(None);
            }
            text => text.map_err(OpenError::io(&path))?,
        };
        // What is read now must not vanish later.
        self.sync_folder(folder).map_err(OpenError::io(folder))?;
        let stream = serde_json::from_slice(&text).map_err(|error| OpenError::Unreadable {
            path,
            folder: folder.to_owned(),
            reason: error.to_string(),
        })?;
        Ok(Some(stream))
    }

    /// Removes a stream's folder without a description, which a creation left that was
    /// cut off. A folder that holds logs was something else: it stays, under another name.
    fn set_aside(&self, folder: &Path) -> io::Result<()> {
        let names = self.disk().list(folder)?;
        if !names.iter().any(|name| name.starts_with("shard-")) {
            return self.disk().remove_folder(folder);
        }
        let aside = folder.with_extension("lost");
        self.disk().rename(folder, &aside)?;
        tracing::warn!(
            path = %aside.display(),
            "skipping a stream without stream.json; its records stay in this folder"
        );
        Ok(())
    }

    fn disk(&self) -> &dyn Disk {
        self.files.disk()
    }

    /// Makes the names in a folder survive a power failure, if writes have to.
    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        match self.fsync {
            FsyncPolicy::Always => self.disk().sync_folder(folder),
            FsyncPolicy::Never => Ok(()),
        }
    }
}

/// Where the log of a shard is kept.
fn shard_folder(stream: &Path, opening: &Opening) -> PathBuf {
    let Opening { number, opened, .. } = opening;
    stream.join(format!("shard-{number:012}-{opened}"))
}
