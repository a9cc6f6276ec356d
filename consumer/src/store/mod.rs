//! The table, as the rest of the function sees it.

pub mod bounded;
mod deadline;
pub mod requests;
pub mod table;

use std::{collections::HashMap, future::Future, time::Duration};

use crate::record::Location;

/// The most names that one [`Store::read_many`] should be given: the most keys
/// that one `BatchGetItem` takes (API reference, `BatchGetItem`).
pub const MAX_NAMES: usize = 100;

/// An item, or none where the table has no item of that name.
pub type Read = Result<Option<Location>, StoreError>;

/// Where locations come from when the cache has none.
pub trait Store: Send + Sync {
    /// The item, or none where the table has none of that name.
    ///
    /// # Errors
    ///
    /// The table gave no answer, or the item is not a location.
    fn read(&self, name: &str) -> impl Future<Output = Read> + Send;

    /// Reads the items of these distinct names. Each result goes into `found` as
    /// soon as it is known, so a caller that stops waiting keeps what was read.
    fn read_many(
        &self,
        names: &[&str],
        found: &mut HashMap<String, Read>,
    ) -> impl Future<Output = ()> + Send;
}

/// Why a location could not be read. The record is retried.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// DynamoDB could not be asked, or refused.
    #[error("table {table} could not be read: {reason}")]
    Unreadable {
        /// The table's name.
        table: String,
        /// The whole chain of causes.
        reason: String,
    },
    /// DynamoDB gave no answer in time.
    #[error("the table gave no answer within {} ms", .0.as_millis())]
    Timeout(Duration),
    /// The item is not of the form that this function knows.
    #[error("table {table}, item {name:?} is not a location: {reason}")]
    Malformed {
        /// The table's name.
        table: String,
        /// The item's key.
        name: String,
        /// Which attribute, and why.
        reason: String,
    },
}

impl StoreError {
    /// The name under which the error is counted.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "Unreadable",
            Self::Timeout(_) => "Timeout",
            Self::Malformed { .. } => "Malformed",
        }
    }
}
