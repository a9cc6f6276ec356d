//! How far each shard has been processed.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// How far a shard has been processed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Checkpoint {
    /// All records up to the one of this sequence number.
    After(String),
    /// All records; the shard is closed.
    End,
}

/// The checkpoints of one mapping. They only move forward.
#[derive(Debug, Default)]
pub struct Checkpoints(Mutex<HashMap<String, Checkpoint>>);

impl Checkpoints {
    /// A shard's checkpoint, once it has one.
    #[must_use]
    pub fn get(&self, shard: &str) -> Option<Checkpoint> {
        self.lock().get(shard).cloned()
    }

    /// Whether a shard has been processed to its end.
    #[must_use]
    pub fn has_ended(&self, shard: &str) -> bool {
        self.lock().get(shard) == Some(&Checkpoint::End)
    }

    /// Moves a shard's checkpoint to behind `sequence_number`, unless it is
    /// there or further already.
    pub fn advance(&self, shard: &str, sequence_number: &str) {
        let mut checkpoints = self.lock();
        let forward = match checkpoints.get(shard) {
            None => true,
            Some(Checkpoint::After(current)) => is_later(sequence_number, current),
            Some(Checkpoint::End) => false,
        };
        if forward {
            checkpoints.insert(
                shard.to_owned(),
                Checkpoint::After(sequence_number.to_owned()),
            );
        }
    }

    /// Says that a shard has been processed to its end.
    pub fn end(&self, shard: &str) {
        self.lock().insert(shard.to_owned(), Checkpoint::End);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Checkpoint>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sequence numbers are decimals without leading zeros: the longer is the
/// later, and of the same length the greater.
fn is_later(one: &str, other: &str) -> bool {
    (one.len(), one) > (other.len(), other)
}

#[cfg(test)]
mod tests {
    use super::{Checkpoint, Checkpoints};

    #[test]
    fn a_checkpoint_only_moves_forward() {
        let checkpoints = Checkpoints::default();
        for number in ["99", "100", "98", "7"] {
            checkpoints.advance("shardId-0", number);
        }
        assert_eq!(
            checkpoints.get("shardId-0"),
            Some(Checkpoint::After("100".into()))
        );
        checkpoints.end("shardId-0");
        checkpoints.advance("shardId-0", "101");
        assert!(checkpoints.has_ended("shardId-0"));
    }
}
