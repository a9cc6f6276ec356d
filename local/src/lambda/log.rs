//! What a function writes to stdout and stderr, line by line.

use std::sync::Arc;

/// One line of a function's output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// The function's name.
    pub function: Arc<str>,
    /// Which of its environments, from 1.
    pub environment: u64,
    /// The line, without its end. Bytes that are not UTF-8 are replaced.
    pub text: String,
}

/// Where lines go.
pub type LogSink = Arc<dyn Fn(LogLine) + Send + Sync>;
