//! Structures that several operations share, named as in the API reference.

use serde::{Deserialize, Serialize};

use crate::engine::{
    hash_key::HashKeyRange,
    sequence::SequenceNumber,
    shard::{Shard, shard_id},
    stream::Mode,
    topology::Topology,
};

/// `StreamModeDetails`.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct StreamModeDetails {
    pub stream_mode: Mode,
}

/// `Shard`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ShardDescription {
    shard_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_shard_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    adjacent_parent_shard_id: Option<String>,
    hash_key_range: HashKeyRange,
    sequence_number_range: SequenceNumberRange,
}

/// `SequenceNumberRange`; open shards have no end.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct SequenceNumberRange {
    starting_sequence_number: SequenceNumber,
    #[serde(skip_serializing_if = "Option::is_none")]
    ending_sequence_number: Option<SequenceNumber>,
}

impl ShardDescription {
    /// Describes `shard` as it is now.
    pub(super) fn of(shard: &Shard) -> Self {
        let ending = shard.closing().map(|closing| shard.sequence(closing.index));
        Self {
            shard_id: shard.id.clone(),
            parent_shard_id: shard.parent.map(shard_id),
            adjacent_parent_shard_id: shard.adjacent_parent.map(shard_id),
            hash_key_range: shard.range,
            sequence_number_range: SequenceNumberRange {
                starting_sequence_number: shard.sequence(0),
                ending_sequence_number: ending,
            },
        }
    }
}

/// `ChildShard`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ChildShard {
    shard_id: String,
    parent_shards: Vec<String>,
    hash_key_range: HashKeyRange,
}

impl ChildShard {
    /// Describes the shards of `topology` with the given numbers.
    pub(super) fn of(topology: &Topology, numbers: &[u64]) -> Vec<Self> {
        let children = numbers.iter().filter_map(|number| topology.shard(*number));
        children
            .map(|child| Self {
                shard_id: child.id.clone(),
                parent_shards: [child.parent, child.adjacent_parent]
                    .into_iter()
                    .flatten()
                    .map(shard_id)
                    .collect(),
                hash_key_range: child.range,
            })
            .collect()
    }
}
