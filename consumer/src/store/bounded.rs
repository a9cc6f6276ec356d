//! A bound on concurrent reads.

use std::collections::HashMap;

use tokio::sync::Semaphore;

use super::{Read, Store};

/// A store that reads of this process reach so many at a time. While the cache
/// is gone every record reads the table; the bound is what the table sees of it.
#[derive(Debug)]
pub struct Bounded<S> {
    store: S,
    places: Semaphore,
}

impl<S> Bounded<S> {
    /// At most `concurrency` reads of `store` at a time; one of many items is one.
    pub fn new(store: S, concurrency: usize) -> Self {
        Self {
            store,
            places: Semaphore::new(concurrency),
        }
    }
}

impl<S: Store> Store for Bounded<S> {
    async fn read(&self, name: &str) -> Read {
        // The one error possible is a closed semaphore, and nobody closes it.
        let _place = self.places.acquire().await;
        self.store.read(name).await
    }

    async fn read_many(&self, names: &[&str], found: &mut HashMap<String, Read>) {
        let _place = self.places.acquire().await;
        self.store.read_many(names, found).await;
    }
}

#[cfg(test)]
mod tests {
    use super::Bounded;
    use crate::{fakes::FakeStore, store::Store};
    use futures_util::future::join_all;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn no_more_reads_than_the_bound_are_under_way_at_a_time() {
        let names: Vec<String> = (0..100).map(|place| format!("place {place}")).collect();
        let store = FakeStore::with(&[]);
        store.answer_after(Duration::from_millis(10));
        let store = Bounded::new(store, 7);
        join_all(names.iter().map(|name| store.read(name))).await;
        assert_eq!(store.store.most_at_a_time(), 7);
        assert_eq!(store.store.reads().len(), 100);
    }
}
