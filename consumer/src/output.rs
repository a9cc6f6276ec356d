//! Where the function writes its lines.

use std::io::Write;

/// A destination for whole lines.
pub trait Output: Send + Sync {
    /// Writes `line`, which ends in a line feed.
    fn write(&self, line: &[u8]);
}

/// Standard output, which is the function's log in Lambda.
#[derive(Debug, Default)]
pub struct Stdout;

impl Output for Stdout {
    fn write(&self, line: &[u8]) {
        // A closed log must not fail a record.
        let _ = std::io::stdout().lock().write_all(line);
    }
}
