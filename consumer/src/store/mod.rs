//! The table as the rest of the function sees it.

pub mod bounded;
mod deadline;
pub mod requests;
pub mod table;

use std::{collections::HashMap, future::Future, time::Duration};

use crate::record::Location;

/// The most names that one [`Store::read_many`] reads with one request: the limit
/// of `BatchGetItem` (API reference).
pub const MAX_NAMES: usize = 100;

/// The item of a name; `None` if the table has no such item.
pub type Read = Result<Option<Location>, StoreError>;

/// The source of the locations that are not cached.
pub trait Store: Send + Sync {
    /// Reads the item of `name`.
    ///
    /// # Errors
    ///
    /// The table could not be read, or the item is not a location.
    fn read(&self, name: &str) -> impl Future<Output = Read> + Send;

    /// Reads the items of distinct names. Each result goes into `found` as soon as
    /// it is known, so a caller that stops waiting keeps the results so far.
    fn read_many(
        &self,
        names: &[&str],
        found: &mut HashMap<String, Read>,
    ) -> impl Future<Output = ()> + Send;
}

/// Why a location could not be read. A retry of the record may succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// DynamoDB cannot be reached, or refused the request.
    #[error("table {table} could not be read: {reason}")]
    Unreadable {
        /// The table's name.
        table: String,
        /// The whole chain of causes.
        reason: String,
    },
    /// The deadline passed.
    #[error("DynamoDB did not answer within {} ms", .0.as_millis())]
    Timeout(Duration),
    /// The item's attributes are not those of a location.
    #[error("table {table}, item {name:?} is not a location: {reason}")]
    Malformed {
        /// The table's name.
        table: String,
        /// The item's key.
        name: String,
        /// The attribute, and the problem with it.
        reason: String,
    },
}

impl StoreError {
    /// The `Code` dimension of the error's metric.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "Unreadable",
            Self::Timeout(_) => "Timeout",
            Self::Malformed { .. } => "Malformed",
        }
    }
}
