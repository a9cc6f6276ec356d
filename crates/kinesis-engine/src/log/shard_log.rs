//! The append-only log of one shard.

use std::{collections::VecDeque, io, path::PathBuf, sync::Arc};

use durable_files::{Commit, Disk, DiskFile, Flushes, FsyncPolicy};

use super::{
    OpenError,
    frame::{self, Entry},
    open_files::{OpenFiles, Slot},
    recovery, segment,
};

/// Appends records to files, and deletes the files of trimmed ones.
///
/// A shard has no folder before its first record: creating a stream of a thousand shards
/// writes one description, and a reshard that fails leaves nothing.
#[derive(Debug)]
pub(crate) struct ShardLog {
    files: Arc<OpenFiles>,
    folder: PathBuf,
    fsync: FsyncPolicy,
    /// The first index of each file; records go to the last.
    segments: VecDeque<u64>,
    /// The last file, while it is open.
    slot: Arc<Slot>,
    /// Bytes in the last file.
    length: u64,
    /// Where the last file starts, in bytes written since the log was opened.
    start: i128,
    /// The flushed bytes in the last mark.
    marked: u64,
    /// The last file has a flushed mark, so that it shows its policy at start.
    announced: bool,
    /// Kept for its allocation.
    buffer: Vec<u8>,
    flushes: Arc<Flushes>,
    /// A failed write could not be undone: what follows it would be unreadable.
    broken: bool,
}

/// An opened log.
#[derive(Debug)]
pub(crate) struct Recovered {
    /// The log, ready for more.
    pub(crate) log: ShardLog,
    /// The index that the next record gets.
    pub(crate) next: u64,
}

impl ShardLog {
    /// Opens the log in `folder`, and hands its records to `restore`, in order. Records
    /// before a gap were trimmed, and their files were about to be deleted.
    ///
    /// A torn tail, which was never acknowledged, is cut off.
    ///
    /// # Errors
    ///
    /// [`OpenError::Damaged`] if records that may have been acknowledged are unreadable.
    pub(crate) fn open(
        files: Arc<OpenFiles>,
        folder: PathBuf,
        fsync: FsyncPolicy,
        mut restore: impl FnMut(Entry<'_>),
    ) -> Result<Recovered, OpenError> {
        let disk = files.disk();
        let segments = segment::list(disk, &folder).map_err(OpenError::io(&folder))?;
        let last = segments.back().copied();
        let (mut next, mut length) = (1, 0);
        for first in &segments {
            let path = segment::path(&folder, *first);
            if *first > next && next > 1 {
                tracing::warn!(path = %path.display(), "dropping the records before this file: those in between are gone");
            }
            next = next.max(*first);
            let is_last = Some(*first) == last;
            length = recovery::replay(disk, &path, is_last, &mut next, &mut restore)?;
        }
        if let Some(last) = last {
            let path = segment::path(&folder, last);
            settle(disk, &path, length, fsync).map_err(OpenError::io(&path))?;
            if fsync == FsyncPolicy::Always {
                disk.sync_folder(&folder).map_err(OpenError::io(&folder))?;
            }
        }
        let log = Self {
            files,
            folder,
            fsync,
            segments,
            slot: Arc::default(),
            length,
            start: -i128::from(length),
            marked: 0,
            announced: false,
            buffer: Vec::new(),
            flushes: Arc::default(),
            broken: false,
        };
        Ok(Recovered { log, next })
    }

    /// Writes `entries` in one go. They survive the end of the process when this returns,
    /// and of the machine when the commit has been waited for.
    ///
    /// # Errors
    ///
    /// The write fails, or an earlier write or flush did. None of `entries` is in the log.
    pub(crate) fn append<'a>(
        &mut self,
        entries: impl Iterator<Item = Entry<'a>>,
    ) -> io::Result<Option<Commit>> {
        if self.broken {
            return Err(io::Error::other(
                "an earlier write failed and could not be undone",
            ));
        }
        self.flushes.check()?;
        self.buffer.clear();
        let mut first = None;
        for entry in entries {
            if first.is_none() {
                first = Some(entry.index);
                let full = self.length >= self.files.disk().segment_bytes();
                if full || self.segments.is_empty() {
                    self.roll(entry.index)?;
                }
                self.announce()?;
                self.mark();
            }
            frame::write(&mut self.buffer, &entry);
        }
        let Some(last) = first.and(self.segments.back()) else {
            return Ok(None);
        };
        let path = || segment::path(&self.folder, *last);
        let file = self.files.get(&self.slot, path)?;
        if let Err(error) = file.append(&self.buffer) {
            self.broken = file.set_length(self.length).is_err();
            return Err(error);
        }
        let bytes = self.buffer.len() as u64;
        self.length += bytes;
        // A large batch is rare: its memory is returned.
        self.buffer.shrink_to(64 * 1024);
        Ok((self.fsync == FsyncPolicy::Always).then(|| self.flushes.wrote(&file, bytes)))
    }

    /// Deletes the files that hold only records before `first`.
    pub(crate) fn forget(&mut self, first: u64) {
        while self.segments.get(1).is_some_and(|second| *second <= first) {
            let Some(oldest) = self.segments.pop_front() else {
                return;
            };
            let path = segment::path(&self.folder, oldest);
            if let Err(error) = self.files.disk().remove_file(&path) {
                // The records are past retention: they will be trimmed again.
                tracing::warn!(path = %path.display(), %error, "a trimmed log file stays");
            }
        }
    }

    /// Closes the file: nothing more is written.
    pub(crate) fn close(&self) {
        self.slot.close();
    }

    /// Flushes a mark before the first records of a file, or of a run. Without one, a
    /// batch whose first page a power failure took would look like records that were
    /// acknowledged when they were written, and are damaged.
    fn announce(&mut self) -> io::Result<()> {
        if self.fsync == FsyncPolicy::Never || self.announced {
            return Ok(());
        }
        let Some(last) = self.segments.back() else {
            return Ok(());
        };
        let file = self
            .files
            .get(&self.slot, || segment::path(&self.folder, *last))?;
        let mut mark = Vec::with_capacity(frame::MARK_LENGTH);
        frame::write_mark(&mut mark, self.length, self.flushed());
        if let Err(error) = file.append(&mark) {
            self.broken = file.set_length(self.length).is_err();
            return Err(error);
        }
        self.length += mark.len() as u64;
        self.flushes.wrote(&file, mark.len() as u64);
        self.flushes.flush()?;
        self.marked = self.length;
        self.announced = true;
        Ok(())
    }

    /// How many bytes of the last file are flushed.
    fn flushed(&self) -> u64 {
        let flushed = i128::from(self.flushes.flushed()) - self.start;
        u64::try_from(flushed).unwrap_or(0)
    }

    /// Notes in the log how much of the file is flushed, where that changed: at start, it
    /// distinguishes a power failure from damage.
    fn mark(&mut self) {
        if self.fsync == FsyncPolicy::Never {
            return;
        }
        let flushed = self.flushed();
        if flushed > self.marked {
            frame::write_mark(&mut self.buffer, self.length, flushed);
            self.marked = flushed;
        }
    }

    /// Begins the file whose first record has the index `first`.
    fn roll(&mut self, first: u64) -> io::Result<()> {
        let always = self.fsync == FsyncPolicy::Always;
        if always {
            self.flushes.flush()?;
        }
        let disk = self.files.disk();
        if self.segments.is_empty() {
            match disk.create_folder(&self.folder) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
            if always && let Some(parent) = self.folder.parent() {
                disk.sync_folder(parent)?;
            }
        }
        let slot = Arc::default();
        self.files
            .get(&slot, || segment::path(&self.folder, first))?;
        if always {
            disk.sync_folder(&self.folder)?;
        }
        self.slot.close();
        self.slot = slot;
        self.segments.push_back(first);
        self.length = 0;
        self.start = i128::from(self.flushes.written());
        self.marked = 0;
        self.announced = false;
        Ok(())
    }
}

/// Cuts off a torn tail; with `always`, what is kept survives a power failure from now on.
fn settle(
    disk: &dyn Disk,
    path: &std::path::Path,
    length: u64,
    fsync: FsyncPolicy,
) -> io::Result<()> {
    let file: Arc<dyn DiskFile> = disk.open(path)?;
    file.set_length(length)?;
    if fsync == FsyncPolicy::Always {
        file.sync()?;
    }
    Ok(())
}
