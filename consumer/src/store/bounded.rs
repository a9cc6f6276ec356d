//! A limit on concurrent reads.

use std::collections::HashMap;

use tokio::sync::Semaphore;

use super::{Read, Store};

/// Limits concurrent reads of a store. While the cache is down every record reads
/// the table, and this limit protects the table.
#[derive(Debug)]
pub struct Bounded<S> {
    store: S,
    permits: Semaphore,
}

impl<S> Bounded<S> {
    /// Allows `concurrency` reads of `store` at a time. One [`Store::read_many`]
    /// counts as one read.
    pub fn new(store: S, concurrency: usize) -> Self {
        Self {
            store,
            permits: Semaphore::new(concurrency),
        }
    }
}

impl<S: Store> Store for Bounded<S> {
    async fn read(&self, name: &str) -> Read {
        // Fails only on a closed semaphore, and nothing closes this one.
        let _permit = self.permits.acquire().await;
        self.store.read(name).await
    }

    async fn read_many(&self, names: &[&str], found: &mut HashMap<String, Read>) {
        let _permit = self.permits.acquire().await;
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
    async fn reads_never_exceed_the_limit_at_a_time() {
        let names: Vec<String> = (0..100).map(|place| format!("place {place}")).collect();
        let store = FakeStore::with(&[]);
        store.answer_after(Duration::from_millis(10));
        let store = Bounded::new(store, 7);
        join_all(names.iter().map(|name| store.read(name))).await;
        assert_eq!(store.store.most_at_a_time(), 7);
        assert_eq!(store.store.reads().len(), 100);
    }
}
