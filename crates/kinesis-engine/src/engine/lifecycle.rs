//! A stream's status, which changes by itself after a while.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The status of a stream, as `DescribeStream` spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Status {
    /// Being created: it has no shards to read or write yet.
    Creating,
    /// Being deleted.
    Deleting,
    /// Ready.
    Active,
    /// Being changed; reads and writes continue.
    Updating,
}

/// A status that holds until a moment; the next one follows from the time alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lifecycle {
    status: Status,
    /// Milliseconds since the Unix epoch.
    until: u64,
}

impl Lifecycle {
    /// Ready, with nothing under way.
    #[must_use]
    pub(crate) fn active() -> Self {
        Self {
            status: Status::Active,
            until: 0,
        }
    }

    /// `status` until `until`, milliseconds since the Unix epoch.
    #[must_use]
    pub(crate) fn passing(status: Status, until: u64) -> Self {
        Self { status, until }
    }

    /// The status at `now`; `None` once a deleted stream is gone.
    #[must_use]
    pub(crate) fn at(&self, now: u64) -> Option<Status> {
        match self.status {
            status if now < self.until => Some(status),
            Status::Deleting => None,
            _ => Some(Status::Active),
        }
    }

    /// How long the status still holds at `now`; `None` once it does not.
    pub(super) fn left(&self, now: u64) -> Option<Duration> {
        let left = self.until.checked_sub(now).filter(|left| *left > 0);
        left.map(Duration::from_millis)
    }
}
