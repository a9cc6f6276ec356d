//! A stream's status, which changes by itself after a while.

use serde::{Deserialize, Serialize};

/// The status of a stream, as `DescribeStream` spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    /// Being created: it has no shards to read or write yet.
    Creating,
    /// Being deleted.
    Deleting,
    /// Ready.
    Active,
    /// Being changed; reads and writes go on.
    Updating,
}

/// A status that holds until a moment, and what follows needs no timer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lifecycle {
    status: Status,
    /// Milliseconds since the Unix epoch.
    until: u64,
}

impl Lifecycle {
    /// Ready, with nothing under way.
    #[must_use]
    pub fn active() -> Self {
        Self {
            status: Status::Active,
            until: 0,
        }
    }

    /// `status` until `until`, milliseconds since the Unix epoch.
    #[must_use]
    pub fn passing(status: Status, until: u64) -> Self {
        Self { status, until }
    }

    /// The status at `now`; `None` once a deleted stream is gone.
    #[must_use]
    pub fn at(&self, now: u64) -> Option<Status> {
        match self.status {
            status if now < self.until => Some(status),
            Status::Deleting => None,
            _ => Some(Status::Active),
        }
    }
}
