//! Shard splits and merges: parent and child shards.

use std::sync::Arc;

use super::{
    Engine,
    hash_key::{HashKey, HashKeyRange},
    lifecycle::Status,
    shard::{Closing, Opening, Shard},
    stream::Stream,
    topology::Topology,
};
use crate::error::KinesisError;

impl Engine {
    /// Splits `shard` where `at` starts the second half (API reference, `SplitShard`).
    ///
    /// # Errors
    ///
    /// `InvalidArgumentException` if the shard is closed, or does not own both `at`
    /// and the hash key before it.
    pub(crate) fn split(
        &self,
        stream: &Arc<Stream>,
        shard: &Shard,
        at: HashKey,
    ) -> Result<(), KinesisError> {
        self.reshard(stream, |draft| draft.split(shard.number, at.0))
    }

    /// Merges two adjacent shards (API reference, `MergeShards`).
    ///
    /// # Errors
    ///
    /// `InvalidArgumentException` if one is closed or they are not adjacent.
    pub(crate) fn merge(
        &self,
        stream: &Arc<Stream>,
        first: &Shard,
        second: &Shard,
    ) -> Result<(), KinesisError> {
        self.reshard(stream, |draft| draft.merge(first.number, second.number))
    }

    /// Splits and merges until `target` open shards share the space evenly;
    /// there are short-lived shards on the way, as in AWS (API reference,
    /// `UpdateShardCount`).
    ///
    /// # Errors
    ///
    /// `InternalFailure` if a shard cannot be opened.
    pub(crate) fn scale(&self, stream: &Arc<Stream>, target: u32) -> Result<(), KinesisError> {
        self.reshard(stream, |draft| {
            let parts = HashKeyRange::evenly(target);
            for part in parts.iter().skip(1) {
                draft.cut(part.start())?;
            }
            for part in &parts {
                draft.join(*part)?;
            }
            Ok(())
        })
    }

    fn reshard(
        &self,
        stream: &Arc<Stream>,
        plan: impl FnOnce(&mut Draft<'_>) -> Result<(), KinesisError>,
    ) -> Result<(), KinesisError> {
        let changing = stream.changing.lock();
        let mut settings = stream.settings();
        self.check_active(&stream.name, &settings)?;
        settings.lifecycle = self.passing(Status::Updating, self.clock().millis());
        let current = stream.topology();
        let mut draft = Draft {
            engine: self,
            stream,
            topology: (*current).clone(),
            closings: Vec::new(),
        };
        let stored = plan(&mut draft)
            .and_then(|()| self.save_change(stream, &settings, &draft.topology, &draft.closings));
        let Draft {
            topology, closings, ..
        } = draft;
        if let Err(error) = stored {
            for (shard, _) in &closings {
                shard.unseal();
            }
            stream.reshard_ended();
            return Err(error);
        }
        stream.set_settings(settings);
        let closed: Vec<_> = closings
            .iter()
            .map(|(shard, _)| Arc::clone(shard))
            .collect();
        stream.set_topology(topology, || {
            for (shard, closing) in closings {
                shard.close(closing);
            }
        });
        drop(changing);
        stream.reshard_ended();
        for shard in closed {
            self.arrivals.notify_records(&stream.name, &shard.id);
        }
        self.announce_shards(stream);
        Ok(())
    }
}

/// A topology in the making. Parents are sealed as it goes: a put to one of them waits for
/// the end of the reshard, and readers see it end only once the reshard is stored.
struct Draft<'e> {
    engine: &'e Engine,
    stream: &'e Stream,
    topology: Topology,
    closings: Vec<(Arc<Shard>, Closing)>,
}

impl Draft<'_> {
    fn split(&mut self, number: u64, at: u128) -> Result<(), KinesisError> {
        let shard = self.open_shard(number)?;
        let range = shard.range;
        if at <= range.start() || at > range.end() {
            return Err(KinesisError::InvalidArgument(format!(
                "NewStartingHashKey {at} used in SplitShard() on shard {} in stream {} is not both greater than \
                 the shard's StartingHashKey {} and not greater than its EndingHashKey {}",
                shard.id,
                self.stream.name,
                range.start(),
                range.end()
            )));
        }
        let halves = [
            HashKeyRange::new(range.start(), at - 1),
            HashKeyRange::new(at, range.end()),
        ];
        self.replace(&[shard], &halves)
    }

    fn merge(&mut self, first: u64, second: u64) -> Result<(), KinesisError> {
        let (first, second) = (self.open_shard(first)?, self.open_shard(second)?);
        let follows =
            |low: &Shard, high: &Shard| low.range.end().checked_add(1) == Some(high.range.start());
        let (low, high) = if follows(&second, &first) {
            (&second, &first)
        } else {
            (&first, &second)
        };
        if !follows(low, high) {
            return Err(KinesisError::InvalidArgument(format!(
                "Shards {} and {} in stream {} under account {} are not an adjacent pair of shards eligible for merging",
                first.id, second.id, self.stream.name, self.engine.options.account
            )));
        }
        let whole = HashKeyRange::new(low.range.start(), high.range.end());
        self.replace(&[first, second], &[whole])
    }

    /// Makes `at` the start of an open shard.
    fn cut(&mut self, at: u128) -> Result<(), KinesisError> {
        let position = self.topology.route(HashKey(at));
        let owner = position.and_then(|position| self.topology.open.get(position));
        match owner.map(|shard| (shard.number, shard.range.start())) {
            Some((number, start)) if start < at => self.split(number, at),
            _ => Ok(()),
        }
    }

    /// Merges the open shards inside `part` into one.
    fn join(&mut self, part: HashKeyRange) -> Result<(), KinesisError> {
        loop {
            let inside = |shard: &&Arc<Shard>| {
                shard.range.start() >= part.start() && shard.range.end() <= part.end()
            };
            let mut members = self.topology.open.iter().filter(inside);
            let (Some(first), Some(second)) = (members.next(), members.next()) else {
                return Ok(());
            };
            let (first, second) = (first.number, second.number);
            self.merge(first, second)?;
        }
    }

    fn open_shard(&self, number: u64) -> Result<Arc<Shard>, KinesisError> {
        let open = self
            .topology
            .open
            .iter()
            .find(|shard| shard.number == number);
        open.cloned().ok_or_else(|| {
            KinesisError::InvalidArgument(format!(
                "Shard {} in stream {} under account {} has already been merged or split, \
                 and thus is not eligible for merging or splitting.",
                super::shard::shard_id(number),
                self.stream.name,
                self.engine.options.account
            ))
        })
    }

    fn replace(
        &mut self,
        parents: &[Arc<Shard>],
        ranges: &[HashKeyRange],
    ) -> Result<(), KinesisError> {
        let numbers: Vec<u64> = (self.topology.next_number..).take(ranges.len()).collect();
        for parent in parents {
            let closing = parent.seal(numbers.clone(), self.engine.clock().millis());
            self.closings.push((Arc::clone(parent), closing));
        }
        let mut children = Vec::with_capacity(ranges.len());
        for (number, range) in numbers.into_iter().zip(ranges) {
            let opening = Opening {
                number,
                range: *range,
                parent: parents.first().map(|parent| parent.number),
                adjacent_parent: parents.get(1).map(|parent| parent.number),
                opened: self.engine.stamp(),
            };
            let folder = self.stream.folder.as_deref();
            children.push(self.engine.open_shard(folder, &opening)?);
        }
        let closed: Vec<u64> = parents.iter().map(|parent| parent.number).collect();
        self.topology = self.topology.replace(&closed, children);
        Ok(())
    }
}
