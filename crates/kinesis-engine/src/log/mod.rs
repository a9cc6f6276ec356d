//! Streams on disk: a log for each shard, a description for each stream, and a lock on the
//! folder.
//!
//! ```text
//! kinesis/lock
//! kinesis/{stream}.{created}.stream/stream.json             settings and shards
//! kinesis/{stream}.{created}.stream/shard-{n}-{opened}/{first index}.log
//! kinesis/{stream}.{created}.deleted/                       removed at the next start
//! kinesis/{stream}.{created}.lost/                          logs without a description
//! ```

mod frame;
mod open_files;
mod recovery;
mod segment;
mod shard_log;
mod store;

use std::{io, path::PathBuf};

pub(crate) use frame::Entry;
pub(crate) use shard_log::ShardLog;
pub(crate) use store::{SaveError, Store, StoredShard, StoredStream};

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
    /// Records that may have been acknowledged are unreadable.
    #[error(
        "{path} is damaged at byte {offset}: {reason}\nhint: the records before it are whole; \
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
    /// A stream's description is unreadable.
    #[error(
        "{path} is damaged: {reason}\nhint: restore it, or move the folder {folder} away to \
         start without this stream"
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The stream's folder.
        folder: PathBuf,
        /// Why it is unreadable.
        reason: String,
    },
    /// Opening was interrupted by the end of the process.
    #[error("reading the stored state was interrupted: {0}")]
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
