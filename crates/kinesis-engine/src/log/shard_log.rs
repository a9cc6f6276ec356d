//! The append-only log of one shard.

use std::{
    collections::VecDeque,
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    OpenError,
    commit::{Commit, Progress},
    frame::{self, Entry, Frame},
    segment::{self, SEGMENT},
};
use crate::options::FsyncPolicy;

/// Appends records to files, and deletes the files of trimmed ones.
#[derive(Debug)]
pub struct ShardLog {
    directory: PathBuf,
    fsync: FsyncPolicy,
    /// The first index of each file; the last one is being written.
    segments: VecDeque<u64>,
    file: Arc<File>,
    /// Bytes in the file being written.
    length: u64,
    /// Kept for its allocation.
    buffer: Vec<u8>,
    progress: Arc<Progress>,
    /// A failed write could not be undone: what follows it would be unreadable.
    broken: bool,
}

/// What a log held when it was opened.
#[derive(Debug)]
pub struct Recovered {
    /// The log, ready for more.
    pub log: ShardLog,
    /// The index that the next record gets.
    pub next: u64,
}

impl ShardLog {
    /// Opens or begins the log in `directory`, and hands what it holds to
    /// `restore`, in order.
    ///
    /// A torn tail, which was never acknowledged, is cut off.
    ///
    /// # Errors
    ///
    /// [`OpenError::Damaged`] if something before the tail is unreadable.
    pub fn open(
        directory: PathBuf,
        fsync: FsyncPolicy,
        mut restore: impl FnMut(Entry<'_>),
    ) -> Result<Recovered, OpenError> {
        fs::create_dir_all(&directory).map_err(OpenError::io(&directory))?;
        let mut segments = segment::list(&directory).map_err(OpenError::io(&directory))?;
        if segments.is_empty() {
            segments.push_back(1);
        }
        let last = segments.back().copied().unwrap_or(1);
        let mut next = segments.front().copied().unwrap_or(1);
        let mut length = 0;
        for first in &segments {
            let path = segment::path(&directory, *first);
            length = replay(&path, *first == last, &mut next, &mut restore)?;
        }
        let path = segment::path(&directory, last);
        let file = segment::open(&directory, last).map_err(OpenError::io(&path))?;
        file.set_len(length).map_err(OpenError::io(&path))?;
        sync_directory(&directory, fsync).map_err(OpenError::io(&directory))?;
        let file = Arc::new(file);
        let log = Self {
            directory,
            fsync,
            segments,
            progress: Progress::new(Arc::clone(&file)),
            file,
            length,
            buffer: Vec::new(),
            broken: false,
        };
        Ok(Recovered { log, next })
    }

    /// Writes `entries` in one go. They survive the end of the process when
    /// this returns, and of the machine when the commit has been waited for.
    ///
    /// # Errors
    ///
    /// What the system says; nothing of `entries` is in the log then.
    pub fn append<'a>(
        &mut self,
        entries: impl Iterator<Item = Entry<'a>>,
    ) -> io::Result<Option<Commit>> {
        if self.broken {
            return Err(io::Error::other(
                "an earlier write failed and could not be undone",
            ));
        }
        self.buffer.clear();
        let mut first = None;
        for entry in entries {
            first.get_or_insert(entry.index);
            frame::write(&mut self.buffer, &entry);
        }
        let Some(first) = first else { return Ok(None) };
        if self.length >= SEGMENT {
            self.roll(first)?;
        }
        if let Err(error) = (&*self.file).write_all(&self.buffer) {
            self.broken = self.file.set_len(self.length).is_err();
            return Err(error);
        }
        self.length += self.buffer.len() as u64;
        let commit = self.progress.wrote(self.buffer.len());
        // A rare large batch must not keep its memory for good.
        self.buffer.shrink_to(64 * 1024);
        Ok((self.fsync == FsyncPolicy::Always).then_some(commit))
    }

    /// Deletes the files that hold only records before `first`.
    pub fn forget(&mut self, first: u64) {
        while self.segments.get(1).is_some_and(|second| *second <= first) {
            let Some(oldest) = self.segments.pop_front() else {
                return;
            };
            let path = segment::path(&self.directory, oldest);
            if let Err(error) = fs::remove_file(&path) {
                // The records are past retention: they will be trimmed again.
                tracing::warn!(path = %path.display(), %error, "a trimmed log file stays");
            }
        }
    }

    fn roll(&mut self, first: u64) -> io::Result<()> {
        if self.fsync == FsyncPolicy::Always {
            self.file.sync_data()?;
        }
        self.file = Arc::new(segment::open(&self.directory, first)?);
        sync_directory(&self.directory, self.fsync)?;
        self.progress.switch(Arc::clone(&self.file));
        self.segments.push_back(first);
        self.length = 0;
        Ok(())
    }
}

/// Reads one file, and returns how many of its bytes are good.
fn replay(
    path: &Path,
    last: bool,
    next: &mut u64,
    restore: &mut impl FnMut(Entry<'_>),
) -> Result<u64, OpenError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if last && error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(OpenError::io(path)(error)),
    };
    let mut offset = 0;
    let damaged = |offset: usize, reason: &str| OpenError::Damaged {
        path: path.to_owned(),
        offset: offset as u64,
        reason: reason.to_owned(),
    };
    while let Some(rest) = bytes.get(offset..).filter(|rest| !rest.is_empty()) {
        match frame::read(rest) {
            Frame::Whole(entry, length) => {
                if entry.index != *next {
                    return Err(damaged(offset, "a record is missing or out of order"));
                }
                *next = entry.index + 1;
                restore(entry);
                offset += length;
            }
            Frame::Torn if last => {
                tracing::warn!(path = %path.display(), offset, "a record whose writing was cut off is dropped");
                break;
            }
            Frame::Torn => return Err(damaged(offset, "the file ends inside a record")),
            Frame::Damaged(reason) => return Err(damaged(offset, reason)),
        }
    }
    Ok(offset as u64)
}

/// Makes a new file's name survive a power failure.
fn sync_directory(directory: &Path, fsync: FsyncPolicy) -> io::Result<()> {
    if fsync == FsyncPolicy::Always && cfg!(unix) {
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}
