//! Calls and log lines, kept in the order of their time.

use std::{collections::VecDeque, sync::Arc};

use crate::events::CallOutcome;

/// Calls that are kept: those of more than the last 10,000 records.
const MOST_CALLS: usize = 40_000;

/// Bytes of log lines that are kept.
const MOST_LOG: usize = 8 * 1024 * 1024;

/// Bytes of one log line that are kept.
const MOST_OF_LINE: usize = 4096;

/// A call to a cache or to DynamoDB.
#[derive(Debug, Clone)]
pub(crate) struct CallMade {
    /// When it ended, milliseconds since 1970.
    pub(crate) ended: f64,
    pub(crate) duration_ms: f64,
    /// Whether it is of a cache.
    pub(crate) cache: bool,
    /// The cache, or the tables.
    pub(crate) name: Arc<str>,
    pub(crate) operation: Arc<str>,
    /// The key, or the values of each key's attributes.
    pub(crate) keys: Vec<Vec<String>>,
    /// Of a call to a cache.
    pub(crate) outcome: Option<CallOutcome>,
    pub(crate) ok: bool,
}

impl CallMade {
    /// Whether another call differs in its time alone.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let what = |call: &Self| (call.cache, call.outcome, call.ok);
        what(self) == what(other)
            && self.operation == other.operation
            && self.keys == other.keys
            && self.name == other.name
    }
}

/// A line that a function has written.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// When it was read, milliseconds since 1970.
    pub(crate) at: f64,
    pub(crate) function: Arc<str>,
    pub(crate) environment: u64,
    pub(crate) text: String,
}

/// Calls and log lines, the oldest dropped.
#[derive(Debug, Default)]
pub(crate) struct Rings {
    calls: VecDeque<CallMade>,
    lines: VecDeque<Line>,
    line_bytes: usize,
}

impl Rings {
    pub(super) fn call(&mut self, call: CallMade) {
        if self.calls.len() >= MOST_CALLS {
            self.calls.pop_front();
        }
        self.calls.push_back(call);
    }

    pub(super) fn line(&mut self, mut line: Line) {
        if line.text.len() > MOST_OF_LINE {
            let end = line.text.floor_char_boundary(MOST_OF_LINE);
            line.text.truncate(end);
        }
        self.line_bytes += line.text.len() + size_of::<Line>();
        self.lines.push_back(line);
        while self.line_bytes > MOST_LOG {
            let Some(oldest) = self.lines.pop_front() else {
                return;
            };
            self.line_bytes -= oldest.text.len() + size_of::<Line>();
        }
    }

    /// The calls that ended in a time, milliseconds since 1970.
    pub(crate) fn calls(&self, from: f64, to: f64) -> impl Iterator<Item = &CallMade> {
        let start = self.calls.partition_point(|call| call.ended < from);
        let calls = self.calls.range(start..);
        calls.take_while(move |call| call.ended <= to)
    }

    /// The lines that an execution environment wrote in a time.
    pub(crate) fn lines(
        &self,
        (function, environment): (&str, u64),
        from: f64,
        to: f64,
    ) -> impl Iterator<Item = &Line> {
        let start = self.lines.partition_point(|line| line.at < from);
        let lines = self.lines.range(start..);
        let lines = lines.take_while(move |line| line.at <= to);
        lines.filter(move |line| line.environment == environment && *line.function == *function)
    }
}
