//! The state that a mapping keeps of one shard.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{sequence_number::is_later, window::Window};

/// How far a shard has been processed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Checkpoint {
    /// All records up to the one of this sequence number.
    After(String),
    /// All records; the shard is closed.
    End,
}

/// The state of one shard or, under the mapping's own key, of the mapping.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct ShardState {
    pub(super) checkpoint: Option<Checkpoint>,
    /// The tumbling window that the next record may belong to. It is written with the
    /// checkpoint, so that no record is counted twice or not at all.
    pub(super) window: Option<Window>,
    /// Records beyond the checkpoint that are settled, since the mapping was stopped while
    /// concurrent batches had finished out of order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) ahead: Vec<String>,
    /// Of the mapping: when it first began.
    #[serde(
        default,
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub(super) began: Option<OffsetDateTime>,
    /// Of the mapping: when the stream that the checkpoints belong to was created.
    #[serde(
        default,
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub(super) stream_created: Option<OffsetDateTime>,
}

/// Each shard's state, by the shard's id.
pub(super) type ShardStates = BTreeMap<String, ShardState>;

impl ShardState {
    /// Moves the checkpoint forward; false where it is there or further already.
    pub(super) fn advance(&mut self, sequence_number: &str) -> bool {
        let forward = match &self.checkpoint {
            None => true,
            Some(Checkpoint::After(current)) => is_later(sequence_number, current),
            Some(Checkpoint::End) => false,
        };
        if forward {
            self.checkpoint = Some(Checkpoint::After(sequence_number.to_owned()));
        }
        forward
    }
}
