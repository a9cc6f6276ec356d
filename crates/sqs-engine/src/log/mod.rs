//! Everything that happens to the queues, on disk: one append-only log for all of them,
//! cut into files.
//!
//! ```text
//! sqs/lock
//! sqs/{number}.log
//! ```
//!
//! One log, so that a message that moves from one queue to another is in exactly one of
//! them after any kill. Kinesis has a log for each shard, whose records are only appended
//! and trimmed; here most messages are deleted out of order, so the oldest file is written
//! again at the end, without what was deleted, once more than half of the log is of no use
//! ([`Log::oldest_to_clean`]).

mod codec;
mod frame;
mod recovery;

use std::{
    collections::VecDeque,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use durable_files::{Commit, Disk, DiskFile, Flushes, FsyncPolicy, Lock};

use crate::engine::change::Change;

/// Stored state that cannot be used, or a folder that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A file operation failed.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// Another process uses the folder.
    #[error(
        "{path} is in use by another process\nhint: stop it, or choose another folder with `--data-dir DIR`"
    )]
    InUse {
        /// The data folder.
        path: PathBuf,
    },
    /// Changes that may have been acknowledged are unreadable.
    #[error(
        "{path} is damaged at byte {offset}: {reason}\nhint: the messages before it are whole; \
         to keep them and drop the rest of the file, run `truncate --size {offset}` on it"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the first unreadable byte is.
        offset: u64,
        /// Why it is unreadable.
        reason: String,
    },
    /// Opening was interrupted by the end of the process.
    #[error("reading the stored queues was interrupted: {0}")]
    Interrupted(String),
}

impl OpenError {
    pub(super) fn interrupted(error: impl std::fmt::Display) -> Self {
        Self::Interrupted(error.to_string())
    }

    fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}

/// Appends changes, and deletes files that only have changes of no more use.
#[derive(Debug)]
pub(crate) struct Log {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    fsync: FsyncPolicy,
    /// The closed files and their bytes; changes go to the file after them.
    closed: VecDeque<(u64, u64)>,
    /// The number of the file that is written.
    number: u64,
    file: Arc<dyn DiskFile>,
    /// Bytes in that file.
    length: u64,
    /// Where that file starts, in bytes written since the log was opened.
    start: i128,
    flushes: Arc<Flushes>,
    /// A failed write could not be undone: what follows it would be unreadable.
    broken: bool,
    /// Kept for its allocation.
    buffer: Vec<u8>,
    _lock: Lock,
}

impl Log {
    /// Opens `{data_dir}/sqs`, and hands its changes to `restore` with the number of their
    /// file, in order. A torn tail, which was never acknowledged, is cut off.
    ///
    /// # Errors
    ///
    /// [`OpenError`] says which file cannot be used.
    pub(crate) fn open(
        disk: Arc<dyn Disk>,
        data_dir: &Path,
        fsync: FsyncPolicy,
        mut restore: impl FnMut(Change, u64),
    ) -> Result<Self, OpenError> {
        let folder = data_dir.join("sqs");
        disk.create_folders(&folder)
            .map_err(OpenError::io(&folder))?;
        let path = folder.join("lock");
        let lock = disk.lock(&path).map_err(OpenError::io(&path))?;
        let lock = lock.ok_or_else(|| OpenError::InUse {
            path: folder.clone(),
        })?;
        if fsync == FsyncPolicy::Always {
            sync_ancestors(&*disk, &folder)?;
        }
        let mut closed = segments(&*disk, &folder)?;
        let number = closed.pop_back().map_or(1, |(number, _)| number);
        for (number, bytes) in &mut closed {
            let path = path_of(&folder, *number);
            let restore = &mut |change| restore(change, *number);
            *bytes = recovery::replay(&*disk, &path, false, restore)?;
        }
        let path = path_of(&folder, number);
        let file = disk.open(&path).map_err(OpenError::io(&path))?;
        let restore = &mut |change| restore(change, number);
        let length = recovery::replay(&*disk, &path, true, restore)?;
        let settled = file.set_length(length).and_then(|()| match fsync {
            FsyncPolicy::Always => file.sync().and_then(|()| disk.sync_folder(&folder)),
            FsyncPolicy::Never => Ok(()),
        });
        settled.map_err(OpenError::io(&path))?;
        Ok(Self {
            disk,
            folder,
            fsync,
            closed,
            number,
            file,
            length,
            start: -i128::from(length),
            flushes: Arc::default(),
            broken: false,
            buffer: Vec::new(),
            _lock: lock,
        })
    }

    /// Writes changes in one go: after a kill, all or none of them are there. Returns the
    /// file's number. They survive the end of the process when this returns, and of the
    /// machine when the commit has been waited for.
    ///
    /// # Errors
    ///
    /// The write fails, or an earlier write or flush did. No change is in the log.
    pub(crate) fn append(&mut self, changes: &[Change]) -> io::Result<(u64, Option<Commit>)> {
        if self.broken {
            return Err(io::Error::other(
                "an earlier write failed and could not be undone",
            ));
        }
        self.flushes.check()?;
        if self.length >= self.disk.segment_bytes() {
            self.roll()?;
        }
        let flushed = match self.fsync {
            FsyncPolicy::Never => frame::NEVER_FLUSHED,
            FsyncPolicy::Always => self.flushed(),
        };
        self.buffer.clear();
        frame::write(&mut self.buffer, self.length, flushed, changes)?;
        if let Err(error) = self.file.append(&self.buffer) {
            self.broken = self.file.set_length(self.length).is_err();
            return Err(error);
        }
        let bytes = self.buffer.len() as u64;
        self.length += bytes;
        // A large message is rare: its memory is returned.
        self.buffer.shrink_to(64 * 1024);
        let always = self.fsync == FsyncPolicy::Always;
        let commit = always.then(|| self.flushes.wrote(&self.file, bytes));
        Ok((self.number, commit))
    }

    /// The oldest file, if what it still has should be written again: the log is longer
    /// than twice what the queues weigh, and than two files more.
    pub(crate) fn oldest_to_clean(&self, weight: u64) -> Option<u64> {
        let (oldest, _) = self.closed.front()?;
        let closed: u64 = self.closed.iter().map(|(_, bytes)| *bytes).sum();
        let most = weight.saturating_mul(2) + 2 * self.disk.segment_bytes();
        (closed + self.length > most).then_some(*oldest)
    }

    /// Deletes the oldest file. What it still had was written again.
    ///
    /// # Errors
    ///
    /// The flush of what was written again fails, or the deletion.
    pub(crate) fn drop_oldest(&mut self) -> io::Result<()> {
        let Some((oldest, _)) = self.closed.front().copied() else {
            return Ok(());
        };
        let always = self.fsync == FsyncPolicy::Always;
        if always {
            self.flushes.flush()?;
        }
        self.disk.remove_file(&path_of(&self.folder, oldest))?;
        self.closed.pop_front();
        if always {
            self.disk.sync_folder(&self.folder)?;
        }
        Ok(())
    }

    /// How many closed files there are.
    pub(crate) fn closed_files(&self) -> usize {
        self.closed.len()
    }

    /// How many bytes of the file are flushed.
    fn flushed(&self) -> u64 {
        let flushed = i128::from(self.flushes.flushed()) - self.start;
        u64::try_from(flushed).unwrap_or(0)
    }

    /// Begins a new file. Everything before it is flushed, so that only the last file can
    /// end in the middle of a frame.
    fn roll(&mut self) -> io::Result<()> {
        let always = self.fsync == FsyncPolicy::Always;
        if always {
            self.flushes.flush()?;
        }
        let file = self.disk.open(&path_of(&self.folder, self.number + 1))?;
        if always {
            self.disk.sync_folder(&self.folder)?;
        }
        self.closed.push_back((self.number, self.length));
        self.number += 1;
        self.file = file;
        self.length = 0;
        self.start = i128::from(self.flushes.written());
        Ok(())
    }
}

fn path_of(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:020}.log"))
}

/// The files in `folder`, in order, without those before a gap: they were about to be
/// deleted when the process ended.
fn segments(disk: &dyn Disk, folder: &Path) -> Result<VecDeque<(u64, u64)>, OpenError> {
    let names = disk.list(folder).map_err(OpenError::io(folder))?;
    let number = |name: &String| name.strip_suffix(".log")?.parse().ok();
    let mut numbers: Vec<u64> = names.iter().filter_map(number).collect();
    numbers.sort_unstable();
    let gap = |pair: &[u64]| matches!(pair, [before, after] if before + 1 != *after);
    let first = numbers.windows(2).rposition(gap).map_or(0, |gap| gap + 1);
    for stale in numbers.drain(..first) {
        let path = path_of(folder, stale);
        disk.remove_file(&path).map_err(OpenError::io(&path))?;
    }
    Ok(numbers.into_iter().map(|number| (number, 0)).collect())
}

/// Makes the names of the folder and of those above it survive a power failure.
fn sync_ancestors(disk: &dyn Disk, folder: &Path) -> Result<(), OpenError> {
    for folder in folder.ancestors() {
        let relative = folder.as_os_str().is_empty();
        let folder = if relative { Path::new(".") } else { folder };
        match disk.sync_folder(folder) {
            // A folder that this user may not open was there before.
            Err(error) if error.kind() != io::ErrorKind::PermissionDenied => {
                return Err(OpenError::io(folder)(error));
            }
            _ => {}
        }
    }
    Ok(())
}
