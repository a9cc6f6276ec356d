//! Where the messages of a queue are: ready to be received, or invisible until a time.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

/// Where one message is. Times are milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// It can be received, unless its group is locked.
    Ready,
    /// It was sent with a delay that ends then.
    Delayed(u64),
    /// It was received, and stays invisible until then.
    InFlight(u64),
}

impl Place {
    fn until(self) -> Option<u64> {
        match self {
            Self::Ready => None,
            Self::Delayed(until) | Self::InFlight(until) => Some(until),
        }
    }
}

/// The places of all messages of a queue, by index. Every operation takes the logarithm of
/// their number.
#[derive(Debug)]
pub(crate) struct Places {
    ready: Ready,
    /// The invisible messages, by the end of that.
    timers: BTreeSet<(u64, u64)>,
    delayed: usize,
    in_flight: usize,
    /// How many messages, or groups, became ready since the last [`Places::take_released`].
    released: usize,
}

#[derive(Debug)]
enum Ready {
    /// A standard queue: oldest first, as far as anything promises an order.
    Standard(BTreeSet<u64>),
    Fifo(Groups),
}

/// The groups of a FIFO queue.
#[derive(Debug, Default)]
struct Groups {
    groups: HashMap<Arc<str>, Group>,
    /// The groups that can be received from, by their first message.
    offered: BTreeMap<u64, Arc<str>>,
}

#[derive(Debug, Default)]
struct Group {
    /// The messages that are not in flight, and whether they are visible.
    waiting: BTreeMap<u64, bool>,
    /// The group is locked while a message of it is in flight (API reference,
    /// `ReceiveMessage`, `ReceiveRequestAttemptId`).
    in_flight: usize,
    offered: Option<u64>,
}

/// Messages that a receive takes, and those that it finds to be dead letters.
#[derive(Debug, Default)]
pub(crate) struct Picked {
    pub taken: Vec<u64>,
    pub dead: Vec<u64>,
}

/// What becomes of a message that a receive looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Take,
    Dead,
}

impl Places {
    /// The places of an empty queue.
    #[must_use]
    pub(crate) fn new(fifo: bool) -> Self {
        Self {
            ready: if fifo {
                Ready::Fifo(Groups::default())
            } else {
                Ready::Standard(BTreeSet::new())
            },
            timers: BTreeSet::new(),
            delayed: 0,
            in_flight: 0,
            released: 0,
        }
    }

    /// How many messages are delayed.
    #[must_use]
    pub(crate) fn delayed(&self) -> usize {
        self.delayed
    }

    /// How many messages are in flight.
    #[must_use]
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Puts a message into its place.
    pub(crate) fn insert(&mut self, index: u64, group: Option<&Arc<str>>, place: Place) {
        if let Some(until) = place.until() {
            self.timers.insert((until, index));
        }
        match place {
            Place::Ready => {}
            Place::Delayed(_) => self.delayed += 1,
            Place::InFlight(_) => self.in_flight += 1,
        }
        match &mut self.ready {
            Ready::Standard(ready) => {
                if place == Place::Ready {
                    ready.insert(index);
                    self.released += 1;
                }
            }
            Ready::Fifo(groups) => {
                let Some(name) = group else { return };
                let released = groups.change(name, |group| match place {
                    Place::InFlight(_) => group.in_flight += 1,
                    Place::Ready => drop(group.waiting.insert(index, true)),
                    Place::Delayed(_) => drop(group.waiting.insert(index, false)),
                });
                self.released += usize::from(released);
            }
        }
    }

    /// Takes a message out of its place.
    pub(crate) fn remove(&mut self, index: u64, group: Option<&Arc<str>>, place: Place) {
        if let Some(until) = place.until() {
            self.timers.remove(&(until, index));
        }
        match place {
            Place::Ready => {}
            Place::Delayed(_) => self.delayed -= 1,
            Place::InFlight(_) => self.in_flight -= 1,
        }
        match &mut self.ready {
            Ready::Standard(ready) => {
                ready.remove(&index);
            }
            Ready::Fifo(groups) => {
                let Some(name) = group else { return };
                let released = groups.change(name, |group| match place {
                    Place::InFlight(_) => group.in_flight -= 1,
                    Place::Ready | Place::Delayed(_) => drop(group.waiting.remove(&index)),
                });
                self.released += usize::from(released);
            }
        }
    }

    /// The next message whose invisibility has ended by `now`.
    #[must_use]
    pub(crate) fn due(&self, now: u64) -> Option<u64> {
        let (until, index) = self.timers.first()?;
        (*until <= now).then_some(*index)
    }

    /// When the next invisibility ends.
    #[must_use]
    pub(crate) fn next_timer(&self) -> Option<u64> {
        self.timers.first().map(|(until, _)| *until)
    }

    /// The delayed messages.
    #[must_use]
    pub(crate) fn timed(&self) -> Vec<u64> {
        self.timers.iter().map(|(_, index)| *index).collect()
    }

    /// How many messages, or groups, became ready since the last call.
    pub(crate) fn take_released(&mut self) -> usize {
        std::mem::take(&mut self.released)
    }

    /// Chooses messages to receive, in order: up to `max`, and at most `most_dead` dead
    /// letters. Of a group of a FIFO queue as many as there are, before the next group
    /// (developer guide, "Receiving messages").
    #[must_use]
    pub(crate) fn pick(
        &self,
        max: usize,
        most_dead: usize,
        mut judge: impl FnMut(u64) -> Verdict,
    ) -> Picked {
        let mut picked = Picked::default();
        // Whether there is room for more.
        let mut pick = |index: u64| {
            match judge(index) {
                Verdict::Take => picked.taken.push(index),
                Verdict::Dead => picked.dead.push(index),
            }
            picked.taken.len() < max && picked.dead.len() < most_dead
        };
        match &self.ready {
            Ready::Standard(ready) => {
                let _ = ready.iter().all(|index| pick(*index));
            }
            Ready::Fifo(groups) => {
                let offered = groups.offered.values();
                let groups = offered.filter_map(|name| groups.groups.get(name));
                let _ = groups
                    .flat_map(|group| group.waiting.iter().take_while(|(_, visible)| **visible))
                    .all(|(index, _)| pick(*index));
            }
        }
        picked
    }
}

impl Groups {
    /// Changes a group; returns whether it is offered now and was not before.
    fn change(&mut self, name: &Arc<str>, change: impl FnOnce(&mut Group)) -> bool {
        let group = self.groups.entry(Arc::clone(name)).or_default();
        change(group);
        let first = group.waiting.first_key_value();
        let offered = match first {
            Some((index, true)) if group.in_flight == 0 => Some(*index),
            _ => None,
        };
        let before = std::mem::replace(&mut group.offered, offered);
        if before != offered {
            if let Some(before) = before {
                self.offered.remove(&before);
            }
            if let Some(index) = offered {
                self.offered.insert(index, Arc::clone(name));
            }
        }
        if group.waiting.is_empty() && group.in_flight == 0 {
            self.groups.remove(name);
        }
        before.is_none() && offered.is_some()
    }
}
