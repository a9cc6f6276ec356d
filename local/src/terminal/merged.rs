//! Events of a moment that are shown in one line.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::units::duration;
use crate::events::{Event, EventKind};

/// What some events of a frame say together.
#[derive(Default)]
pub(super) struct Merged {
    /// The wait after a failed invocation, by the index of the invocation.
    pub(super) retries: HashMap<usize, String>,
    /// The shards that a mapping begins to read together, by the index of the first.
    pub(super) opened: HashMap<usize, Vec<String>>,
    /// Events that another one's line has.
    pub(super) told: HashSet<usize>,
}

impl Merged {
    pub(super) fn of(events: &[Arc<Event>]) -> Self {
        let mut merged = Self::default();
        let mut first_of: HashMap<&str, usize> = HashMap::new();
        let mut failed: HashMap<(&str, &str), usize> = HashMap::new();
        for (index, event) in events.iter().enumerate() {
            match &event.kind {
                EventKind::BatchInvoked(batch) if !batch.outcome.is_ok() => {
                    failed.insert((&batch.mapping, &batch.shard), index);
                }
                EventKind::RetryScheduled {
                    mapping,
                    shard,
                    failures,
                    wait_ms,
                    ..
                } => {
                    if let Some(of) = failed.remove(&(mapping.as_str(), shard.as_str())) {
                        merged.retries.insert(of, wait(*failures, *wait_ms));
                        merged.told.insert(index);
                    }
                }
                EventKind::ShardOpened { mapping, shard, .. } => {
                    let first = *first_of.entry(mapping).or_insert(index);
                    let shards = merged.opened.entry(first).or_default();
                    shards.push(shard.clone());
                    if first != index {
                        merged.told.insert(index);
                    }
                }
                _ => {}
            }
        }
        merged
    }
}

/// The wait before the next attempt, in words.
pub(super) fn wait(failures: u32, wait_ms: f64) -> String {
    let wait = duration(wait_ms.round());
    match failures {
        1 => format!("next attempt in {wait}"),
        many => format!("next attempt in {wait}, after {many} failures"),
    }
}
