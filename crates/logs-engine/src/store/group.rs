//! A log group: its streams, retention and tags.

use std::{collections::BTreeMap, sync::Arc};

use parking_lot::Mutex;

use super::stream::Stream;

/// Milliseconds of a day.
const DAY: u64 = 24 * 60 * 60 * 1000;

/// A log group.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) name: String,
    /// Milliseconds since the Unix epoch.
    pub(crate) created: u64,
    pub(crate) settings: Mutex<Settings>,
    streams: Mutex<BTreeMap<String, Arc<Stream>>>,
}

/// What may change of a group.
#[derive(Debug, Default, Clone)]
pub(crate) struct Settings {
    /// Days for which events are kept; `None` keeps them as long as there is memory.
    pub(crate) retention: Option<u32>,
    pub(crate) tags: BTreeMap<String, String>,
}

impl Group {
    pub(crate) fn new(name: &str, created: u64, tags: BTreeMap<String, String>) -> Self {
        let settings = Settings {
            tags,
            ..Settings::default()
        };
        Self {
            name: name.to_owned(),
            created,
            settings: Mutex::new(settings),
            streams: Mutex::default(),
        }
    }

    /// The earliest time of an event that is not expired, milliseconds since the Unix epoch.
    pub(crate) fn horizon(&self, now: u64) -> u64 {
        let retention = self.settings.lock().retention;
        retention.map_or(0, |days| now.saturating_sub(u64::from(days) * DAY))
    }

    pub(crate) fn stream(&self, name: &str) -> Option<Arc<Stream>> {
        self.streams.lock().get(name).cloned()
    }

    /// All streams, by name.
    pub(crate) fn streams(&self) -> Vec<Arc<Stream>> {
        self.streams.lock().values().cloned().collect()
    }

    /// Adds a stream; returns the one that has its name already, if there is one.
    pub(crate) fn add(&self, stream: Arc<Stream>) -> Option<Arc<Stream>> {
        let mut streams = self.streams.lock();
        if let Some(there) = streams.get(&stream.name) {
            return Some(there.clone());
        }
        streams.insert(stream.name.clone(), stream);
        None
    }

    /// Removes a stream.
    pub(crate) fn remove(&self, name: &str) -> Option<Arc<Stream>> {
        let removed = self.streams.lock().remove(name);
        if let Some(stream) = &removed {
            stream.delete();
        }
        removed
    }

    /// Removes `stream`, unless another one has its name by now.
    pub(crate) fn forget(&self, stream: &Arc<Stream>) {
        let mut streams = self.streams.lock();
        let same = |there: &Arc<Stream>| Arc::ptr_eq(there, stream);
        if streams.get(&stream.name).is_some_and(same) {
            streams.remove(&stream.name);
        }
    }

    /// Marks all of its streams as deleted.
    pub(crate) fn delete(&self) {
        for stream in self.streams.lock().values() {
            stream.delete();
        }
    }
}
