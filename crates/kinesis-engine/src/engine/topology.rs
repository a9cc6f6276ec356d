//! A stream's shards at one moment.

use std::sync::Arc;

use super::{hash_key::HashKey, shard::Shard};

/// An immutable list of shards: putting and reading take a reference to it and
/// hold no lock; resharding replaces it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Topology {
    /// All shards that are listed, by number.
    pub shards: Vec<Arc<Shard>>,
    /// The open ones, by hash key: together they cover the space.
    pub open: Vec<Arc<Shard>>,
    /// The number that the next shard will get.
    pub next_number: u64,
}

impl Topology {
    /// The open shard that owns `key`.
    #[must_use]
    pub(crate) fn route(&self, key: HashKey) -> Option<usize> {
        let position = self
            .open
            .partition_point(|shard| shard.range.ending_hash_key < key);
        (position < self.open.len()).then_some(position)
    }

    /// The shard with this number.
    #[must_use]
    pub(crate) fn shard(&self, number: u64) -> Option<&Arc<Shard>> {
        let position = self
            .shards
            .binary_search_by_key(&number, |shard| shard.number);
        position.ok().and_then(|position| self.shards.get(position))
    }

    /// The same list with `closed` no longer open and `opened` added.
    #[must_use]
    pub(crate) fn replace(&self, closed: &[u64], opened: Vec<Arc<Shard>>) -> Self {
        let mut next = self.clone();
        next.open.retain(|shard| !closed.contains(&shard.number));
        for shard in opened {
            next.next_number = next.next_number.max(shard.number + 1);
            next.open.push(Arc::clone(&shard));
            next.shards.push(shard);
        }
        next.open.sort_by_key(|shard| shard.range.starting_hash_key);
        next.shards.sort_by_key(|shard| shard.number);
        next
    }
}
