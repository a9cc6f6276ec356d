//! What makes a stream survive: a log for each shard, a description for each
//! stream, and a lock on the directory.
//!
//! ```text
//! kinesis/lock
//! kinesis/{stream}.stream/stream.json             settings and shards
//! kinesis/{stream}.stream/shard-{n}-{opened}/{first index}.log
//! ```

mod commit;
mod frame;
mod segment;
mod shard_log;
mod store;

use std::{io, path::PathBuf};

pub use commit::Commit;
pub use frame::Entry;
pub use shard_log::ShardLog;
pub use store::{Store, StoredShard, StoredStream};

/// Stored state that cannot be used, or a directory that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A file operation failed.
    #[error("{path}: {source}")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process uses the directory.
    #[error("{path} is in use by another process; stop it, or choose another --data-dir")]
    InUse {
        /// The data directory.
        path: PathBuf,
    },
    /// A file holds something else than what was written, before its end.
    #[error("{path} is damaged at byte {offset}: {reason}; move it away to start without it")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the first unreadable byte is.
        offset: u64,
        /// What is wrong there.
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
