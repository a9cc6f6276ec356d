//! One queue: its description and its messages.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::{
    attributes::{Attributes, Settings},
    deduplication::Deduplication,
    places::{Picked, Place, Places, Verdict},
};
use crate::message::Message;

/// All of a queue but its messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Description {
    /// Tells it from earlier queues of the same name.
    pub id: u64,
    pub name: String,
    /// Milliseconds since the Unix epoch.
    pub created: u64,
    /// Milliseconds since the Unix epoch.
    pub modified: u64,
    pub settings: Settings,
    pub tags: Attributes,
}

/// A message in a queue. Times are milliseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    /// Its number: later messages have higher ones.
    pub index: u64,
    pub message: Arc<Message>,
    /// When its retention began.
    pub sent: u64,
    pub place: Place,
    /// Receives in this queue, which the redrive policy counts.
    pub receives: u32,
    /// Receives in all queues; the last one's receipt handle carries it.
    pub all_receives: u32,
    /// Zero before the first receive.
    pub first_received: u64,
    /// Zero before the first receive.
    pub last_received: u64,
    /// The ARN of the queue whose dead letter it is.
    pub source: Option<Arc<str>>,
}

impl Stored {
    /// Bytes that it takes in the log, about.
    pub(crate) fn weight(&self) -> u64 {
        (self.message.size() + 200) as u64
    }

    fn group(&self) -> Option<&Arc<str>> {
        self.message.group_id.as_ref()
    }
}

/// A queue and its messages.
#[derive(Debug)]
pub(crate) struct Queue {
    pub description: Description,
    /// The segment of the log that has the description.
    pub segment: u64,
    messages: BTreeMap<u64, (Stored, u64)>,
    /// The messages by age, for retention.
    ages: BTreeSet<(u64, u64)>,
    places: Places,
    pub deduplication: Deduplication,
    /// Wakes receivers that wait.
    pub arrivals: Arc<Notify>,
    /// The timer that the waiting receivers know of.
    known_timer: u64,
    /// When it was purged last.
    pub purged: Option<u64>,
    /// Bytes that the messages take in the log, about.
    pub weight: u64,
}

impl Queue {
    pub(crate) fn new(description: Description, segment: u64) -> Self {
        Self {
            places: Places::new(description.settings.fifo),
            description,
            segment,
            messages: BTreeMap::new(),
            ages: BTreeSet::new(),
            deduplication: Deduplication::default(),
            arrivals: Arc::default(),
            known_timer: u64::MAX,
            purged: None,
            weight: 0,
        }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.description.settings
    }

    pub(crate) fn get(&self, index: u64) -> Option<&Stored> {
        self.messages.get(&index).map(|(stored, _)| stored)
    }

    /// How many messages there are: ready, delayed, in flight.
    pub(crate) fn counts(&self) -> (usize, usize, usize) {
        let (delayed, in_flight) = (self.places.delayed(), self.places.in_flight());
        let ready = self.messages.len().saturating_sub(delayed + in_flight);
        (ready, delayed, in_flight)
    }

    /// Adds a message, or replaces the stored one of the same index.
    pub(crate) fn insert(&mut self, stored: Stored, segment: u64) {
        self.remove(stored.index);
        self.places
            .insert(stored.index, stored.group(), stored.place);
        self.ages.insert((stored.sent, stored.index));
        self.weight += stored.weight();
        self.messages.insert(stored.index, (stored, segment));
    }

    /// Deletes a message, if it is there.
    pub(crate) fn remove(&mut self, index: u64) {
        if let Some((stored, _)) = self.messages.remove(&index) {
            self.places.remove(index, stored.group(), stored.place);
            self.ages.remove(&(stored.sent, index));
            self.weight = self.weight.saturating_sub(stored.weight());
        }
    }

    /// Moves a message to another place.
    pub(crate) fn place(&mut self, index: u64, place: Place) {
        if let Some((stored, _)) = self.messages.get_mut(&index) {
            self.places.remove(index, stored.group(), stored.place);
            stored.place = place;
            self.places.insert(index, stored.group(), place);
        }
    }

    /// A message was received at `at`, and is invisible `until` then.
    pub(crate) fn receive(&mut self, index: u64, at: u64, until: u64) {
        if let Some((stored, _)) = self.messages.get_mut(&index) {
            stored.receives = stored.receives.saturating_add(1);
            stored.all_receives = stored.all_receives.saturating_add(1);
            if stored.first_received == 0 {
                stored.first_received = at;
            }
            stored.last_received = at;
            self.place(index, Place::InFlight(until));
        }
    }

    /// Deletes every message.
    pub(crate) fn purge(&mut self, at: u64) {
        self.messages.clear();
        self.ages.clear();
        self.places = Places::new(self.settings().fifo);
        self.weight = 0;
        self.purged = Some(at);
    }

    /// Makes the messages visible whose time has come.
    pub(crate) fn tick(&mut self, now: u64) {
        while let Some(index) = self.places.due(now) {
            self.place(index, Place::Ready);
        }
    }

    /// The next message whose retention has ended by `now`.
    pub(crate) fn expired(&self, now: u64) -> impl Iterator<Item = u64> {
        let retention = self.settings().retention.saturating_mul(1000);
        let ages = self.ages.iter();
        ages.take_while(move |(sent, _)| sent.saturating_add(retention) <= now)
            .map(|(_, index)| *index)
    }

    /// Applies a new delay of a FIFO queue to the messages that wait for the end of the
    /// old one (API reference, `SetQueueAttributes`; developer guide, "Delay queues":
    /// "For FIFO queues, the per-queue delay setting is retroactive").
    pub(crate) fn delay_again(&mut self) {
        if !self.settings().fifo {
            return;
        }
        let delay = self.settings().delay.saturating_mul(1000);
        for index in self.places.timed() {
            if let Some(stored) = self.get(index)
                && matches!(stored.place, Place::Delayed(_))
            {
                let until = stored.sent.saturating_add(delay);
                self.place(index, Place::Delayed(until));
            }
        }
    }

    /// Chooses messages to receive, and finds dead letters on the way.
    pub(crate) fn pick(&self, max: usize, most_dead: usize, max_receives: Option<u32>) -> Picked {
        self.places.pick(max, most_dead, |index| {
            let receives = self.get(index).map_or(0, |stored| stored.receives);
            if max_receives.is_some_and(|max| receives >= max) {
                Verdict::Dead
            } else {
                Verdict::Take
            }
        })
    }

    /// When the next invisibility ends.
    pub(crate) fn next_timer(&self) -> Option<u64> {
        self.places.next_timer()
    }

    /// Wakes a receiver for each message that became ready, and all of them if the next
    /// one becomes ready earlier than they know.
    pub(crate) fn wake(&mut self) {
        let released = self.places.take_released();
        // More receivers than that do not wait.
        for _ in 0..released.min(1000) {
            self.arrivals.notify_one();
        }
        let next = self.next_timer().unwrap_or(u64::MAX);
        if next < self.known_timer {
            self.arrivals.notify_waiters();
        }
        self.known_timer = next;
    }

    /// The messages that only `segment` of the log has.
    pub(crate) fn in_segment(&self, segment: u64) -> impl Iterator<Item = &Stored> {
        let messages = self.messages.values();
        messages
            .filter(move |(_, found)| *found == segment)
            .map(|(stored, _)| stored)
    }
}
