//! The options of an engine.

use std::{path::PathBuf, time::Duration};

use aws_wire::{ACCOUNT_ID, DEFAULT_REGION};
use durable_files::FsyncPolicy;
use movable_clock::Clock;

use crate::observer::Observed;

/// The options of an engine.
#[derive(Debug, Clone)]
pub struct Options {
    /// The region in every ARN.
    pub region: String,
    /// The account in every ARN, 12 digits.
    pub account: String,
    /// How long a stream stays CREATING, UPDATING or DELETING. Zero makes every
    /// change complete when its call returns.
    pub transition_delay: Duration,
    /// Whether PROVISIONED shards throttle as in AWS, and account limits hold.
    pub enforce_limits: bool,
    /// Bytes of memory that stored records may take, with their spare room. Beyond it, the
    /// engine drops the oldest records, with a warning.
    pub max_memory: Option<u64>,
    /// Where state is kept across restarts; `None` keeps it in memory.
    pub data_dir: Option<PathBuf>,
    /// When a write counts as done, with `data_dir`.
    pub fsync: FsyncPolicy,
    /// Where the time comes from.
    pub clock: Clock,
    /// Who sees what is put.
    pub observer: Observed,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            region: DEFAULT_REGION.to_owned(),
            account: ACCOUNT_ID.to_owned(),
            transition_delay: Duration::ZERO,
            enforce_limits: false,
            max_memory: None,
            data_dir: None,
            fsync: FsyncPolicy::default(),
            clock: Clock::default(),
            observer: Observed::default(),
        }
    }
}
