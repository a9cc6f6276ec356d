//! What the function was invoked with, and the rules that hold at every invocation.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
};

use serde_json::Value;

use crate::memory::Memory;

/// Counts invocations and checks each against AWS's rules.
pub struct Ledger {
    queue: Arc<Memory>,
    batch_size: usize,
    concurrency: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The messages of each group in the order in which they were sent.
    groups: HashMap<String, Vec<String>>,
    processed: HashSet<String>,
    under_way: Vec<Vec<Item>>,
}

/// A message of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub id: String,
    pub group: Option<String>,
    pub body: String,
}

impl Ledger {
    pub fn new(queue: Arc<Memory>, batch_size: u32, concurrency: Option<u32>) -> Arc<Self> {
        Arc::new(Self {
            queue,
            batch_size: batch_size as usize,
            concurrency: concurrency.unwrap_or(1000) as usize,
            state: Mutex::new(State::default()),
        })
    }

    /// A message was sent that the function is to get.
    pub fn sent(&self, id: &str, group: Option<&str>) {
        if let Some(group) = group {
            let mut state = self.state.lock().unwrap();
            let group = state.groups.entry(group.to_owned()).or_default();
            group.push(id.to_owned());
        }
    }

    /// An invocation begins.
    pub fn begin(&self, event: &[u8]) -> Vec<Item> {
        let items = items(event);
        let dead = self.queue.dead();
        let mut state = self.state.lock().unwrap();
        assert!(!items.is_empty() && items.len() <= self.batch_size);
        for (index, item) in items.iter().enumerate() {
            assert!(!state.processed.contains(&item.id), "{item:?} is processed");
            let Some(group) = &item.group else { continue };
            let busy = state.under_way.iter().flatten();
            let busy = busy.filter(|one| one.group.as_ref() == Some(group));
            assert_eq!(busy.count(), 0, "two batches of group {group}");
            let earlier = state.groups[group].iter();
            for earlier in earlier.take_while(|id| **id != item.id) {
                let is_done = state.processed.contains(earlier) || dead.contains(earlier);
                let is_before = items[..index].iter().any(|one| one.id == *earlier);
                assert!(is_done || is_before, "{item:?} before {earlier}");
            }
        }
        state.under_way.push(items.clone());
        assert!(
            state.under_way.len() <= self.concurrency,
            "too many batches"
        );
        items
    }

    /// The invocation ends: those of these indices are not processed.
    pub fn end(&self, items: &[Item], failed: &[usize]) {
        let mut state = self.state.lock().unwrap();
        let place = state.under_way.iter().position(|one| one == items).unwrap();
        state.under_way.remove(place);
        let processed = items.iter().enumerate();
        let processed = processed.filter(|(index, _)| !failed.contains(index));
        for (_, item) in processed {
            assert!(state.processed.insert(item.id.clone()), "{item:?} twice");
        }
    }

    pub fn processed(&self) -> HashSet<String> {
        self.state.lock().unwrap().processed.clone()
    }

    pub fn under_way(&self) -> usize {
        self.state.lock().unwrap().under_way.len()
    }
}

fn items(event: &[u8]) -> Vec<Item> {
    let event: Value = serde_json::from_slice(event).unwrap();
    let records = event["Records"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let item = |record: &Value| Item {
        id: text(&record["messageId"]).unwrap(),
        group: text(&record["attributes"]["MessageGroupId"]),
        body: text(&record["body"]).unwrap(),
    };
    records.map(item).collect()
}
