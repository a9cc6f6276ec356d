//! How often each operation was called.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

/// A service and one of its operations, such as `DynamoDB` and `GetItem`.
pub(super) type Operation = (&'static str, &'static str);

/// How often each operation was called.
#[derive(Debug, Default)]
pub struct CallCounts(Mutex<BTreeMap<Operation, u64>>);

impl CallCounts {
    /// How often `operation` of `service` was called.
    #[must_use]
    pub fn of(&self, service: &str, operation: &str) -> u64 {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = |(called, _): &(&Operation, &u64)| **called == (service, operation);
        counts.iter().find(count).map_or(0, |(_, count)| *count)
    }

    pub(super) fn count(&self, operation: Operation) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(operation).or_default() += 1;
    }
}
