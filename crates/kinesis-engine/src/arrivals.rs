//! Wakes readers when a shard gets records, so that they need not poll.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::watch;

/// One signal for each shard and one for each stream's list of shards.
///
/// The values count arrivals; only their changing means something. Cloning is
/// cheap and shares the signals.
#[derive(Debug, Clone, Default)]
pub struct Arrivals {
    signals: Arc<Mutex<HashMap<Key, watch::Sender<u64>>>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    stream: String,
    /// `None` is the stream's list of shards.
    shard: Option<String>,
}

impl Arrivals {
    /// A receiver that changes whenever `shard` of `stream` gets a record or is
    /// closed. Subscribe before reading, so that no record in between is missed.
    #[must_use]
    pub fn records(&self, stream: &str, shard: &str) -> watch::Receiver<u64> {
        self.subscribe(stream, Some(shard))
    }

    /// A receiver that changes whenever `stream`'s list of shards may have.
    #[must_use]
    pub fn shards(&self, stream: &str) -> watch::Receiver<u64> {
        self.subscribe(stream, None)
    }

    /// Wakes the readers of `shard`: it has new records, or was closed.
    pub fn notify_records(&self, stream: &str, shard: &str) {
        self.notify(stream, Some(shard));
    }

    /// Wakes the readers of `stream`'s list of shards: it was created, deleted or resharded.
    pub fn notify_shards(&self, stream: &str) {
        self.notify(stream, None);
    }

    fn subscribe(&self, stream: &str, shard: Option<&str>) -> watch::Receiver<u64> {
        let mut signals = self.signals.lock().unwrap_or_else(PoisonError::into_inner);
        signals
            .entry(Key::new(stream, shard))
            .or_insert_with(|| watch::channel(0).0)
            .subscribe()
    }

    fn notify(&self, stream: &str, shard: Option<&str>) {
        let signals = self.signals.lock().unwrap_or_else(PoisonError::into_inner);
        // Without an entry, no reader has subscribed.
        if let Some(signal) = signals.get(&Key::new(stream, shard)) {
            signal.send_modify(|count| *count = count.wrapping_add(1));
        }
    }
}

impl Key {
    fn new(stream: &str, shard: Option<&str>) -> Self {
        Self {
            stream: stream.to_owned(),
            shard: shard.map(str::to_owned),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Arrivals;

    #[tokio::test]
    async fn a_reader_is_woken_by_its_own_shard_only() {
        let arrivals = Arrivals::default();
        let mut own = arrivals.records("orders", "shardId-000000000000");
        let other = arrivals.records("orders", "shardId-000000000001");

        arrivals.notify_records("orders", "shardId-000000000000");

        own.changed().await.unwrap();
        assert!(!other.has_changed().unwrap());
    }

    #[tokio::test]
    async fn a_put_between_subscribing_and_waiting_is_not_missed() {
        let arrivals = Arrivals::default();
        let mut records = arrivals.records("orders", "shardId-000000000000");
        for _ in 0..3 {
            arrivals.notify_records("orders", "shardId-000000000000");
        }
        records.changed().await.unwrap();
        assert_eq!(*records.borrow_and_update(), 3);
    }
}
