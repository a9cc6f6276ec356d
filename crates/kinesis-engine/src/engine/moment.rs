//! The time of an operation.

/// The time, and how far back records are kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    /// Microseconds since the Unix epoch.
    pub micros: u64,
    /// The trim horizon: records that arrived before this, in milliseconds since the Unix
    /// epoch, are past retention.
    pub horizon: u64,
    /// Whether throughput limits hold.
    pub limited: bool,
}

impl Moment {
    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub(crate) fn millis(&self) -> u64 {
        self.micros / 1000
    }
}
