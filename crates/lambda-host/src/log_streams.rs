//! Where `CloudWatch` Logs would keep what execution environments write.

use time::OffsetDateTime;

/// Log groups, in which each execution environment gets a stream of its own.
pub trait LogStreams: Send + Sync {
    /// The time of day, which the names of streams have.
    fn now(&self) -> OffsetDateTime;

    /// Opens the stream of a new execution environment, such as
    /// `2026/01/31/[$LATEST]0f3a…` of the group `/aws/lambda/orders`.
    fn open(&self, group: &str, stream: &str) -> Box<dyn LogStream>;
}

/// The log stream of an execution environment. Dropping it ends the stream.
pub trait LogStream: Send + Sync {
    /// Writes an event, with its line end. Invocations wait for it: it must not block.
    fn write(&self, event: &str);

    /// Writes an event of one line, without its end.
    fn write_line(&self, line: &str) {
        self.write(&format!("{line}\n"));
    }
}

/// How Lambda writes its own events, such as REPORT (API reference, `LoggingConfig`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// Lines such as `START RequestId: …`.
    #[default]
    Text,
    /// JSON objects such as `{"type":"platform.start",…}`.
    Json,
}
