//! A deadline around each read of a store.

use std::collections::HashMap;

use super::{Read, Store, StoreError};
use crate::deadline::Deadline;

impl<S: Store> Store for Deadline<S> {
    async fn read(&self, name: &str) -> Read {
        self.limited(self.inner.read(name))
            .await
            .unwrap_or(Err(StoreError::Timeout(self.limit)))
    }

    async fn read_many(&self, names: &[&str], found: &mut HashMap<String, Read>) {
        let reading = self.inner.read_many(names, found);
        if self.limited(reading).await.is_none() {
            for name in names {
                let late = || Err(StoreError::Timeout(self.limit));
                found.entry((*name).to_owned()).or_insert_with(late);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        deadline::Deadline,
        fakes::{FakeStore, item},
        store::{Store, StoreError},
    };
    use std::{collections::HashMap, time::Duration};
    use tokio::time::Instant;

    const LIMIT: Duration = Duration::from_millis(50);

    #[tokio::test(start_paused = true)]
    async fn a_store_that_never_answers_costs_the_deadline_only() {
        let store = FakeStore::with(&["Car"]);
        store.answer_after(Duration::from_hours(1));
        let store = Deadline::new(store, LIMIT);
        let began = Instant::now();
        assert_eq!(store.read("Car").await, Err(StoreError::Timeout(LIMIT)));
        let mut found = HashMap::new();
        store.read_many(&["Car", "House"], &mut found).await;
        assert_eq!(found["Car"], Err(StoreError::Timeout(LIMIT)));
        assert_eq!(found["House"], Err(StoreError::Timeout(LIMIT)));
        assert_eq!(began.elapsed(), 2 * LIMIT);
    }

    #[tokio::test(start_paused = true)]
    async fn results_from_before_the_deadline_are_kept() {
        let store = FakeStore::with(&["Car", "House"]);
        store.take_at_most(1);
        store.answer_after(LIMIT * 2 / 3);
        let store = Deadline::new(store, LIMIT);
        let mut found = HashMap::new();
        store.read_many(&["Car", "House"], &mut found).await;
        assert_eq!(found["Car"], Ok(Some(item("Car"))));
        assert_eq!(found["House"], Err(StoreError::Timeout(LIMIT)));
    }
}
