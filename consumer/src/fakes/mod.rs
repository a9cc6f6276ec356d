//! A cache and a store under a test's control.

mod cache;
mod store;

use ::momento::MomentoErrorCode;

pub use cache::FakeCache;
pub use store::FakeStore;

use crate::{cache::CacheError, record::Location, store::StoreError};

/// Momento's error with this code.
pub fn refused(code: MomentoErrorCode) -> CacheError {
    CacheError::Service {
        code,
        message: "on purpose".to_owned(),
    }
}

/// DynamoDB's error.
pub fn unreadable() -> StoreError {
    StoreError::Unreadable {
        table: "Locations".to_owned(),
        reason: "on purpose".to_owned(),
    }
}

/// An item called `name`.
pub fn item(name: &str) -> Location {
    Location {
        description: Some(format!("{name} description")),
        ..Location::unknown(name)
    }
}
