//! The time of day that ages and tumbling windows are measured by.

use std::sync::Arc;

use time::OffsetDateTime;

/// The present time; tests bring their own clock.
pub type Clock = Arc<dyn Fn() -> OffsetDateTime + Send + Sync>;

/// The system's clock.
#[must_use]
pub fn system() -> Clock {
    Arc::new(OffsetDateTime::now_utc)
}
