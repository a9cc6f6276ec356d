//! What an engine is opened with.

use aws_wire::{ACCOUNT_ID, DEFAULT_REGION};
use movable_clock::Clock;

/// The account, the region, the clock and the memory of an engine.
#[derive(Debug, Clone)]
pub struct Options {
    /// The account of its ARNs, 12 digits.
    pub account: String,
    /// The region of its ARNs.
    pub region: String,
    /// Gives every event its time.
    pub clock: Clock,
    /// Most bytes of kept events. Beyond, the oldest are dropped, whatever their stream.
    pub max_bytes: usize,
}

impl Default for Options {
    /// 64 MiB: about half a million lines of 100 bytes.
    fn default() -> Self {
        Self {
            account: ACCOUNT_ID.to_owned(),
            region: DEFAULT_REGION.to_owned(),
            clock: Clock::system(),
            max_bytes: 64 * 1024 * 1024,
        }
    }
}
