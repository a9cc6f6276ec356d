//! The options of an engine.

use std::path::PathBuf;

use aws_wire::{ACCOUNT_ID, DEFAULT_REGION};
use durable_files::FsyncPolicy;
use movable_clock::Clock;

/// The options of an engine.
#[derive(Debug, Clone)]
pub struct Options {
    /// The region in every ARN.
    pub region: String,
    /// The account in every ARN and queue URL, 12 digits.
    pub account: String,
    /// Whether the waits of 60 seconds hold: after `DeleteQueue` before a queue of the
    /// same name can be created, and between two `PurgeQueue` (API reference,
    /// `QueueDeletedRecently` and `PurgeQueueInProgress`).
    pub enforce_limits: bool,
    /// Where state is kept across restarts; `None` keeps it in memory.
    pub data_dir: Option<PathBuf>,
    /// When a change counts as done, with `data_dir`.
    pub fsync: FsyncPolicy,
    /// Where the time comes from.
    pub clock: Clock,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            region: DEFAULT_REGION.to_owned(),
            account: ACCOUNT_ID.to_owned(),
            enforce_limits: false,
            data_dir: None,
            fsync: FsyncPolicy::default(),
            clock: Clock::default(),
        }
    }
}
