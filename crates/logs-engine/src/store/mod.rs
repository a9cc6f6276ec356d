//! Groups, streams and events, without any protocol.

mod chunk;
mod group;
mod ledger;
mod stream;
mod writer;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
};

use parking_lot::RwLock;
use tokio::sync::{Notify, futures::Notified};

use crate::Options;
use ledger::Ledger;

pub(crate) use chunk::Event;
pub(crate) use group::Group;
pub(crate) use stream::Stream;
pub use writer::Writer;

/// All groups.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) options: Options,
    groups: RwLock<BTreeMap<String, Arc<Group>>>,
    ledger: Ledger,
    streams: AtomicU64,
    /// Live tails that wait for events.
    tails: AtomicUsize,
    arrived: Notify,
}

impl Store {
    pub(crate) fn new(options: Options) -> Self {
        Self {
            ledger: Ledger::new(options.max_bytes),
            options,
            groups: RwLock::default(),
            streams: AtomicU64::new(0),
            tails: AtomicUsize::new(0),
            arrived: Notify::new(),
        }
    }

    /// Milliseconds since the Unix epoch.
    pub(crate) fn now(&self) -> u64 {
        self.options.clock.micros() / 1000
    }

    pub(crate) fn group(&self, name: &str) -> Option<Arc<Group>> {
        self.groups.read().get(name).cloned()
    }

    /// All groups, by name.
    pub(crate) fn groups(&self) -> Vec<Arc<Group>> {
        self.groups.read().values().cloned().collect()
    }

    /// Makes a group. `None` if there is one with its name.
    pub(crate) fn create_group(
        &self,
        name: &str,
        tags: BTreeMap<String, String>,
    ) -> Option<Arc<Group>> {
        let mut groups = self.groups.write();
        if groups.contains_key(name) {
            return None;
        }
        let group = Arc::new(Group::new(name, self.now(), tags));
        groups.insert(name.to_owned(), group.clone());
        Some(group)
    }

    /// The group called `name`, made if it is not there.
    pub(crate) fn ensure_group(&self, name: &str) -> Arc<Group> {
        loop {
            if let Some(group) = self.group(name) {
                return group;
            }
            if let Some(made) = self.create_group(name, BTreeMap::new()) {
                return made;
            }
        }
    }

    /// Deletes a group. Returns whether it was there.
    pub(crate) fn delete_group(&self, name: &str) -> bool {
        let group = self.groups.write().remove(name);
        group.is_some_and(|group| {
            group.delete();
            true
        })
    }

    /// Makes a stream. `Err` has the one with its name.
    pub(crate) fn create_stream(
        &self,
        group: &Group,
        name: &str,
    ) -> Result<Arc<Stream>, Arc<Stream>> {
        let number = self.streams.fetch_add(1, Relaxed);
        let stream = Arc::new(Stream::new(name, number, self.now()));
        match group.add(stream.clone()) {
            None => Ok(stream),
            Some(there) => Err(there),
        }
    }

    /// Writes an event, whose message is in pieces.
    pub(crate) fn push(
        &self,
        group: &Arc<Group>,
        stream: &Arc<Stream>,
        timestamp: u64,
        ingested: u64,
        message: &[&str],
    ) {
        if let Some(bytes) = stream.push(timestamp, ingested, message) {
            self.ledger.add(group, stream, bytes);
        }
        if self.tails.load(Relaxed) > 0 {
            self.arrived.notify_waiters();
        }
    }

    /// Ends the writing to a stream.
    pub(crate) fn close(&self, group: &Arc<Group>, stream: &Arc<Stream>) {
        if let Some(bytes) = stream.close() {
            self.ledger.add(group, stream, bytes);
        }
    }

    /// What kept events take, bytes, without the chunks that still grow.
    pub(crate) fn bytes(&self) -> usize {
        self.ledger.bytes()
    }

    /// Wakes at the next event, counted from this call. A [`Tailing`] must be held.
    pub(crate) fn arrived(&self) -> Notified<'_> {
        self.arrived.notified()
    }
}

/// Someone waits for events. Writers wake nobody otherwise.
#[derive(Debug)]
pub(crate) struct Tailing(Arc<Store>);

impl Tailing {
    pub(crate) fn of(store: &Arc<Store>) -> Self {
        store.tails.fetch_add(1, Relaxed);
        Self(store.clone())
    }
}

impl Drop for Tailing {
    fn drop(&mut self) {
        self.0.tails.fetch_sub(1, Relaxed);
    }
}
