//! `CloudWatch` Logs: what the functions write, in groups of the logs engine.

use lambda_host::{LogStream, LogStreams};
use logs_engine::{Clock, Logs, Writer};
use time::OffsetDateTime;

/// The functions' log groups in an engine.
pub struct FunctionLogs {
    logs: Logs,
    clock: Clock,
}

impl FunctionLogs {
    /// Groups in `logs`, with the time of `clock`.
    #[must_use]
    pub fn new(logs: &Logs, clock: &Clock) -> Self {
        Self {
            logs: logs.clone(),
            clock: clock.clone(),
        }
    }
}

impl LogStreams for FunctionLogs {
    fn now(&self) -> OffsetDateTime {
        let nanoseconds = i128::from(self.clock.micros()) * 1000;
        let now = OffsetDateTime::from_unix_timestamp_nanos(nanoseconds);
        // The clock was moved beyond the year 9999.
        now.unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }

    fn open(&self, group: &str, stream: &str) -> Box<dyn LogStream> {
        Box::new(FunctionStream(self.logs.writer(group, stream)))
    }
}

struct FunctionStream(Writer);

impl LogStream for FunctionStream {
    fn write(&self, event: &str) {
        self.0.write(event);
    }

    fn write_line(&self, line: &str) {
        self.0.write_line(line);
    }
}
