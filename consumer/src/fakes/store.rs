//! A table in memory.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::sleep;

use super::{item, unreadable};
use crate::{
    record::Location,
    store::{MAX_NAMES, Read, Store},
};

/// A table in memory that records its reads.
#[derive(Debug, Default)]
pub struct FakeStore(Mutex<StoreState>);

#[derive(Debug, Default)]
struct StoreState {
    items: HashMap<String, Location>,
    failing: bool,
    failures: usize,
    delay: Duration,
    /// How many names one request reads.
    takes: Option<usize>,
    reads: Vec<Vec<String>>,
    in_flight: usize,
    most_at_a_time: usize,
    keys_in_flight: BTreeSet<String>,
    keys_read_twice_at_a_time: usize,
}

/// A read in flight; dropping it ends the read.
struct InFlight<'a> {
    store: &'a FakeStore,
    names: Vec<String>,
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        let mut state = self.store.lock();
        state.in_flight -= 1;
        for name in &self.names {
            state.keys_in_flight.remove(name);
        }
    }
}

impl FakeStore {
    /// A table with these items.
    pub fn with(names: &[&str]) -> Self {
        let store = Self::default();
        for name in names {
            store.put(item(name));
        }
        store
    }

    pub fn put(&self, location: Location) {
        let name = location.location.clone();
        self.lock().items.insert(name, location);
    }

    pub fn remove(&self, name: &str) {
        self.lock().items.remove(name);
    }

    pub fn fail(&self, failing: bool) {
        self.lock().failing = failing;
    }

    pub fn answer_after(&self, delay: Duration) {
        self.lock().delay = delay;
    }

    /// Answers a read of more names in parts, each after the delay.
    pub fn take_at_most(&self, names: usize) {
        self.lock().takes = Some(names);
    }

    /// The keys of each read, in the order of their start.
    pub fn reads(&self) -> Vec<Vec<String>> {
        self.lock().reads.clone()
    }

    /// How many reads failed.
    pub fn failures(&self) -> usize {
        self.lock().failures
    }

    pub fn most_at_a_time(&self) -> usize {
        self.lock().most_at_a_time
    }

    /// How often a read began for a key that another read was reading.
    pub fn keys_read_twice_at_a_time(&self) -> usize {
        self.lock().keys_read_twice_at_a_time
    }

    fn begin(&self, names: &[&str]) -> InFlight<'_> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut state = self.lock();
        state.reads.push(names.clone());
        state.in_flight += 1;
        state.most_at_a_time = state.most_at_a_time.max(state.in_flight);
        for name in &names {
            if !state.keys_in_flight.insert(name.clone()) {
                state.keys_read_twice_at_a_time += 1;
            }
        }
        InFlight { store: self, names }
    }

    /// The items at the start of the read, after the delay.
    async fn answer(&self, names: &[&str]) -> Vec<Read> {
        let in_flight = self.begin(names);
        let (answer, delay) = {
            let mut state = self.lock();
            state.failures += usize::from(state.failing);
            // DynamoDB rejects a whole request for one key that is too long.
            let refused = names.iter().any(|name| name.len() > 2048);
            let find = |name: &&str| {
                if state.failing || refused {
                    return Err(unreadable());
                }
                Ok(state.items.get(*name).cloned())
            };
            (names.iter().map(find).collect(), state.delay)
        };
        if !delay.is_zero() {
            sleep(delay).await;
        }
        drop(in_flight);
        answer
    }

    fn lock(&self) -> MutexGuard<'_, StoreState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for FakeStore {
    async fn read(&self, name: &str) -> Read {
        self.answer(&[name]).await.remove(0)
    }

    async fn read_many(&self, names: &[&str], found: &mut HashMap<String, Read>) {
        let takes = self.lock().takes.unwrap_or(MAX_NAMES);
        for names in names.chunks(takes) {
            let results = self.answer(names).await;
            found.extend(names.iter().map(|name| (*name).to_owned()).zip(results));
        }
    }
}

impl<S: Store> Store for &S {
    async fn read(&self, name: &str) -> Read {
        (**self).read(name).await
    }

    async fn read_many(&self, names: &[&str], found: &mut HashMap<String, Read>) {
        (**self).read_many(names, found).await;
    }
}
