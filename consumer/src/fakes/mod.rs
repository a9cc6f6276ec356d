//! A cache and a store that do as a test says.

mod cache;
mod store;

use ::momento::MomentoErrorCode;

pub use cache::FakeCache;
pub use store::FakeStore;

use crate::{cache::CacheError, record::Location, store::StoreError};

/// Momento's refusal of that code.
pub fn refused(code: MomentoErrorCode) -> CacheError {
    CacheError::Service {
        code,
        message: "on purpose".to_owned(),
    }
}

/// DynamoDB's refusal.
pub fn unreadable() -> StoreError {
    StoreError::Unreadable {
        table: "Locations".to_owned(),
        reason: "on purpose".to_owned(),
    }
}

/// An item of that name.
pub fn item(name: &str) -> Location {
    Location {
        description: Some(format!("{name} description")),
        ..Location::unknown(name)
    }
}
