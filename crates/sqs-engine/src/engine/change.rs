//! Changes: everything that happens to the queues, as the log has it.

use std::{collections::BTreeMap, ops::Bound, sync::Arc};

use super::{
    deduplication::Remembered,
    places::Place,
    queue::{Description, Queue, Stored},
};

/// One change. A replay of all changes gives the same queues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// A queue was created, or its attributes or tags are new.
    Describe(Box<Description>),
    /// A queue was deleted.
    DeleteQueue { queue: u64 },
    /// A message was added, or is written again with its present state.
    Add { queue: u64, stored: Box<Stored> },
    /// A message was deleted.
    Remove { queue: u64, index: u64 },
    /// A message was received.
    Receive {
        queue: u64,
        index: u64,
        at: u64,
        until: u64,
    },
    /// The visibility of a message in flight was changed; it is visible from `until`.
    Visibility { queue: u64, index: u64, until: u64 },
    /// A deduplication id was used.
    Remember { queue: u64, sent: Remembered },
    /// All messages of a queue were deleted.
    Purge { queue: u64, at: u64 },
}

/// All queues.
#[derive(Debug, Default)]
pub(crate) struct Queues {
    by_id: BTreeMap<u64, Queue>,
    names: BTreeMap<Arc<str>, u64>,
    /// The highest number given to a queue or a message.
    pub last: u64,
}

impl Queues {
    pub(crate) fn get(&self, id: u64) -> Option<&Queue> {
        self.by_id.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: u64) -> Option<&mut Queue> {
        self.by_id.get_mut(&id)
    }

    pub(crate) fn id(&self, name: &str) -> Option<u64> {
        self.names.get(name).copied()
    }

    /// All queues by name.
    pub(crate) fn by_name(&self) -> impl Iterator<Item = &Queue> {
        self.names.values().filter_map(|id| self.by_id.get(id))
    }

    pub(crate) fn ids(&self) -> Vec<u64> {
        self.by_id.keys().copied().collect()
    }

    /// The queues whose name starts with `prefix`, after the name `after`.
    pub(crate) fn page(&self, prefix: &str, after: Option<&str>) -> impl Iterator<Item = &str> {
        let start = after.filter(|after| *after > prefix).unwrap_or(prefix);
        let names = self
            .names
            .range::<str, _>((Bound::Included(start), Bound::Unbounded));
        let names = names.map(|(name, _)| &**name);
        names
            .take_while(move |name| name.starts_with(prefix))
            .filter(move |name| after.is_none_or(|after| *name > after))
    }

    /// Makes a change, which `segment` of the log has.
    pub(crate) fn apply(&mut self, change: Change, segment: u64) {
        match change {
            Change::Describe(description) => self.describe(*description, segment),
            Change::DeleteQueue { queue } => {
                if let Some(queue) = self.by_id.remove(&queue) {
                    self.names.remove(queue.description.name.as_str());
                    queue.arrivals.notify_waiters();
                }
            }
            Change::Add { queue, stored } => {
                self.last = self.last.max(stored.index);
                if let Some(queue) = self.by_id.get_mut(&queue) {
                    queue.insert(*stored, segment);
                }
            }
            Change::Remove { queue, index } => {
                if let Some(queue) = self.by_id.get_mut(&queue) {
                    queue.remove(index);
                }
            }
            Change::Receive {
                queue,
                index,
                at,
                until,
            } => {
                if let Some(queue) = self.by_id.get_mut(&queue) {
                    queue.receive(index, at, until);
                }
            }
            Change::Visibility {
                queue,
                index,
                until,
            } => {
                if let Some(queue) = self.by_id.get_mut(&queue) {
                    queue.place(index, Place::InFlight(until));
                }
            }
            Change::Remember { queue, sent } => {
                if let Some(queue) = self.by_id.get_mut(&queue) {
                    queue.deduplication.remember(sent, segment);
                }
            }
            Change::Purge { queue, at } => {
                if let Some(queue) = self.by_id.get_mut(&queue) {
                    queue.purge(at);
                }
            }
        }
    }

    fn describe(&mut self, description: Description, segment: u64) {
        self.last = self.last.max(description.id);
        if let Some(queue) = self.by_id.get_mut(&description.id) {
            let delay = queue.settings().delay;
            queue.description = description;
            queue.segment = segment;
            if queue.settings().delay != delay {
                queue.delay_again();
            }
            return;
        }
        let (name, id) = (description.name.as_str().into(), description.id);
        self.names.insert(name, id);
        self.by_id.insert(id, Queue::new(description, segment));
    }

    /// The changes that make up what only `segment` of the log has.
    pub(crate) fn in_segment(&self, segment: u64, now: u64) -> Vec<Change> {
        let mut changes = Vec::new();
        for (id, queue) in &self.by_id {
            if queue.segment == segment {
                changes.push(Change::Describe(Box::new(queue.description.clone())));
            }
            changes.extend(queue.in_segment(segment).map(|stored| Change::Add {
                queue: *id,
                stored: Box::new(stored.clone()),
            }));
            let remembered = queue.deduplication.in_segment(segment);
            changes.extend(remembered.filter(|sent| sent.until > now).map(|sent| {
                Change::Remember {
                    queue: *id,
                    sent: sent.clone(),
                }
            }));
        }
        changes
    }

    /// Bytes of log that everything takes, about.
    pub(crate) fn weight(&self) -> u64 {
        self.by_id.values().map(|queue| queue.weight + 1000).sum()
    }
}
