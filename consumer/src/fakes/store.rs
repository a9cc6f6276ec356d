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

/// A table in memory that watches how it is read.
#[derive(Debug, Default)]
pub struct FakeStore(Mutex<StoreState>);

#[derive(Debug, Default)]
struct StoreState {
    items: HashMap<String, Location>,
    failing: bool,
    failures: usize,
    delay: Duration,
    /// How many names one request takes; the rest need further ones.
    takes: Option<usize>,
    reads: Vec<Vec<String>>,
    under_way: usize,
    most_at_a_time: usize,
    keys_under_way: BTreeSet<String>,
    keys_read_twice_at_a_time: usize,
}

/// A read under way, over when it is dropped.
struct UnderWay<'a> {
    store: &'a FakeStore,
    names: Vec<String>,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let mut state = self.store.lock();
        state.under_way -= 1;
        for name in &self.names {
            state.keys_under_way.remove(name);
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

    /// A read of more names than this is answered in parts, each after the delay.
    pub fn take_at_most(&self, names: usize) {
        self.lock().takes = Some(names);
    }

    /// The keys of each read, in the order in which reads began.
    pub fn reads(&self) -> Vec<Vec<String>> {
        self.lock().reads.clone()
    }

    /// How often a read was refused.
    pub fn failures(&self) -> usize {
        self.lock().failures
    }

    pub fn most_at_a_time(&self) -> usize {
        self.lock().most_at_a_time
    }

    /// How often a key was read that was being read already.
    pub fn keys_read_twice_at_a_time(&self) -> usize {
        self.lock().keys_read_twice_at_a_time
    }

    fn begin(&self, names: &[&str]) -> UnderWay<'_> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut state = self.lock();
        state.reads.push(names.clone());
        state.under_way += 1;
        state.most_at_a_time = state.most_at_a_time.max(state.under_way);
        for name in &names {
            if !state.keys_under_way.insert(name.clone()) {
                state.keys_read_twice_at_a_time += 1;
            }
        }
        UnderWay { store: self, names }
    }

    /// The items as they are when the read begins; the answer comes later.
    async fn answer(&self, names: &[&str]) -> Vec<Read> {
        let under_way = self.begin(names);
        let (answer, delay) = {
            let mut state = self.lock();
            state.failures += usize::from(state.failing);
            // DynamoDB refuses the whole request for one key that is too long.
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
        drop(under_way);
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
