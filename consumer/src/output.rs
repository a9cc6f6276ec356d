//! Where lines go.

use std::io::Write;

/// Takes whole lines.
pub trait Output: Send + Sync {
    /// Writes `line`, which ends with a line feed.
    fn write(&self, line: &[u8]);
}

/// Standard output: in Lambda, the function's log.
#[derive(Debug, Default)]
pub struct Stdout;

impl Output for Stdout {
    fn write(&self, line: &[u8]) {
        // A log that nobody reads any more is no reason to fail a record.
        let _ = std::io::stdout().lock().write_all(line);
    }
}
