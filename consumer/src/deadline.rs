//! A deadline around every call of a cache or a store.

use std::time::Duration;

/// Ends every call of `inner` after `limit`. The SDKs' own deadlines are far
/// longer, and Momento's does not cover connecting at all.
#[derive(Debug)]
pub struct Deadline<T> {
    pub(crate) inner: T,
    pub(crate) limit: Duration,
}

impl<T> Deadline<T> {
    /// Limits each call of `inner` to `limit`.
    pub fn new(inner: T, limit: Duration) -> Self {
        Self { inner, limit }
    }
}
