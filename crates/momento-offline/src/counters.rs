//! Call counts, taken on the cache's side.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use serde::{Deserialize, Serialize};

/// Running counts.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    get: AtomicU64,
    hit: AtomicU64,
    miss: AtomicU64,
    set: AtomicU64,
    delete: AtomicU64,
    other: AtomicU64,
    error: AtomicU64,
}

/// Call counts at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Answered gets; a batch counts each of its keys.
    pub get: u64,
    /// Cache hits.
    pub hit: u64,
    /// Cache misses.
    pub miss: u64,
    /// Answered sets, conditional ones included.
    pub set: u64,
    /// Answered deletes.
    pub delete: u64,
    /// Answered calls of other kinds.
    pub other: u64,
    /// Calls of any kind that were refused, by the cache or by a fault.
    pub error: u64,
}

impl Counts {
    /// The calls since `before`.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        Self {
            get: self.get.saturating_sub(before.get),
            hit: self.hit.saturating_sub(before.hit),
            miss: self.miss.saturating_sub(before.miss),
            set: self.set.saturating_sub(before.set),
            delete: self.delete.saturating_sub(before.delete),
            other: self.other.saturating_sub(before.other),
            error: self.error.saturating_sub(before.error),
        }
    }
}

impl Counters {
    pub(crate) fn got(&self, found: bool) {
        self.get.fetch_add(1, Relaxed);
        if found { &self.hit } else { &self.miss }.fetch_add(1, Relaxed);
    }

    pub(crate) fn was_set(&self) {
        self.set.fetch_add(1, Relaxed);
    }

    pub(crate) fn was_deleted(&self) {
        self.delete.fetch_add(1, Relaxed);
    }

    pub(crate) fn other(&self) {
        self.other.fetch_add(1, Relaxed);
    }

    pub(crate) fn refused(&self) {
        self.error.fetch_add(1, Relaxed);
    }

    /// The current counts.
    #[must_use]
    pub(crate) fn counts(&self) -> Counts {
        Counts {
            get: self.get.load(Relaxed),
            hit: self.hit.load(Relaxed),
            miss: self.miss.load(Relaxed),
            set: self.set.load(Relaxed),
            delete: self.delete.load(Relaxed),
            other: self.other.load(Relaxed),
            error: self.error.load(Relaxed),
        }
    }
}
