//! Events as lines.

use anstyle::Style;
use time::OffsetDateTime;

use super::{
    Level, Line, LogText, Screen,
    colours::{BAD, BAD_BOLD, DIM, GOOD, INFORMATION, NAME, PLAIN, WARNING},
    units::{
        clock, count, duration, elided, named, number, printable, sequence_number, shard,
        short_numbers,
    },
};
use crate::events::{
    BatchDiscarded, BatchInvoked, BatchRedriven, Error, InvocationEnded, MessagesInvoked, Outcome,
    ShardEnd,
};

/// The narrowest screen with milliseconds and whole ids.
const WIDE: usize = 120;

/// The column of the outcome or level.
const TAG: usize = 9;

/// The word of the outcome or level, and its style.
pub(super) type Tag = (Style, &'static str);

/// How lines are laid out on a screen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    terminal: bool,
    wide: bool,
    function: usize,
}

impl Layout {
    /// The layout for functions whose longest name has `longest` columns.
    pub(super) fn new(screen: &Screen, longest: usize) -> Self {
        let most = screen.width.map_or(longest, |width| (width / 8).max(8));
        Self {
            terminal: screen.width.is_some(),
            wide: !screen.is_narrower_than(WIDE),
            function: longest.min(most),
        }
    }

    /// The beginning of every line: time, function and what happened.
    pub(super) fn begin(self, time: OffsetDateTime, function: &str, tag: Tag) -> Line {
        let mut line = Line::default();
        line.push(DIM, clock(time, self.wide));
        line.push(PLAIN, " ");
        line.column(NAME, &elided(function, self.function), self.function);
        line.column(tag.0, tag.1, TAG);
        line.indent_here();
        line
    }

    /// Text of a function or an error. On a terminal, of a sequence number the last digits
    /// are shown.
    fn text(self, text: &str) -> String {
        let text = printable(text);
        if self.terminal {
            short_numbers(&text)
        } else {
            text
        }
    }

    /// An id, of which the first digits tell.
    fn id(self, id: &str) -> &str {
        if self.wide {
            id
        } else {
            id.get(..8).unwrap_or(id)
        }
    }

    pub(super) fn batch(
        self,
        time: OffsetDateTime,
        batch: &BatchInvoked,
        retry: Option<&str>,
    ) -> Line {
        let mut line = self.begin(time, &batch.function, outcome(batch.outcome));
        if !batch.outcome.is_ok() {
            line.wrap();
        }
        let records = if batch.processed == batch.records || batch.processed == 0 {
            count(batch.records, "record")
        } else {
            let (processed, all) = (number(batch.processed), count(batch.records, "record"));
            format!("{processed} of {all}")
        };
        line.column(PLAIN, &records, 12);
        line.column(PLAIN, &duration(batch.duration_ms), 8);
        line.push(PLAIN, format!("shard {}", shard(&batch.shard)));
        if batch.retry {
            line.push(WARNING, "  retry");
        }
        let error = batch.error.as_ref();
        let rest = error.and_then(|error| self.push_error(&mut line, error));
        if let Some(retry) = retry {
            line.push(WARNING, format!("  {retry}"));
        }
        if batch.records == 1 {
            line.push(DIM, format!("  key {}", printable(&batch.partition_key)));
        } else if batch.outcome.is_ok() && self.wide {
            let first = sequence_number(&batch.start_sequence_number);
            line.push(DIM, format!("  from {first}"));
        }
        line.push(DIM, format!("  request {}", self.id(&batch.request_id)));
        line.push(DIM, rest.unwrap_or_default());
        line
    }

    pub(super) fn messages(self, time: OffsetDateTime, batch: &MessagesInvoked) -> Line {
        let mut line = self.begin(time, &batch.function, outcome(batch.outcome));
        if !batch.outcome.is_ok() {
            line.wrap();
        }
        let messages = if batch.processed == batch.messages || batch.processed == 0 {
            count(batch.messages, "message")
        } else {
            let (processed, all) = (number(batch.processed), count(batch.messages, "message"));
            format!("{processed} of {all}")
        };
        line.column(PLAIN, &messages, 12);
        line.column(PLAIN, &duration(batch.duration_ms), 8);
        line.push(PLAIN, format!("queue {}", batch.queue));
        if batch.receive_count > 1 {
            let receives = number(batch.receive_count);
            line.push(WARNING, format!("  receive count {receives}"));
        }
        let error = batch.error.as_ref();
        let rest = error.and_then(|error| self.push_error(&mut line, error));
        if batch.messages == 1 {
            line.push(DIM, format!("  message {}", self.id(&batch.message_id)));
        }
        line.push(DIM, format!("  request {}", self.id(&batch.request_id)));
        line.push(DIM, rest.unwrap_or_default());
        line
    }

    pub(super) fn invocation(self, time: OffsetDateTime, ended: &InvocationEnded) -> Line {
        let mut line = self.begin(time, &ended.function, outcome(ended.outcome));
        if !ended.outcome.is_ok() {
            line.wrap();
        }
        line.column(PLAIN, "invoked", 12);
        line.column(PLAIN, &duration(ended.duration_ms), 8);
        line.push(DIM, format!("request {}", self.id(&ended.request_id)));
        let error = ended.error.as_ref();
        let rest = error.and_then(|error| self.push_error(&mut line, error));
        line.push(DIM, rest.unwrap_or_default());
        line
    }

    pub(super) fn discarded(self, time: OffsetDateTime, batch: &BatchDiscarded) -> Line {
        let mut line = self.begin(time, &batch.function, (BAD_BOLD, "discarded"));
        line.wrap();
        line.column(PLAIN, &count(batch.records, "record"), 12);
        line.push(PLAIN, format!("shard {}  ", shard(&batch.shard)));
        line.push(BAD, batch.condition.clone());
        if let Some(error) = &batch.error {
            line.push(BAD, format!(": {}", printable(error)));
        }
        if let Some(id) = &batch.id {
            // On a line of its own it can be copied.
            let gap = if self.terminal { "\n" } else { "  " };
            line.push(DIM, format!("{gap}klocal failures show {id}"));
        }
        line
    }

    pub(super) fn redriven(self, time: OffsetDateTime, batch: &BatchRedriven) -> Line {
        let mut line = self.begin(time, &batch.function, (INFORMATION, "redriven"));
        line.column(PLAIN, &count(batch.records, "record"), 12);
        line.push(PLAIN, format!("shard {}", shard(&batch.shard)));
        line
    }

    pub(super) fn retry(self, time: OffsetDateTime, function: &str, id: &str, wait: &str) -> Line {
        let mut line = self.begin(time, function, (WARNING, "retry"));
        line.push(PLAIN, format!("shard {}  {wait}", shard(id)));
        line
    }

    pub(super) fn started(
        self,
        time: OffsetDateTime,
        function: &str,
        environment: u64,
        init_ms: f64,
    ) -> Line {
        let mut line = self.begin(time, function, (INFORMATION, "started"));
        let init = duration(init_ms);
        line.push(
            PLAIN,
            format!("execution environment {environment}, init {init}"),
        );
        line
    }

    pub(super) fn ended(self, time: OffsetDateTime, function: &str, environment: u64) -> Line {
        let mut line = self.begin(time, function, (DIM, "ended"));
        line.push(DIM, format!("execution environment {environment}"));
        line
    }

    pub(super) fn opened(
        self,
        time: OffsetDateTime,
        function: &str,
        mapping: &str,
        shards: &[&str],
    ) -> Line {
        let mut line = self.begin(time, function, (INFORMATION, "reading"));
        let shards = match shards {
            [one] => format!("shard {}", shard(one)),
            many => count(many.len() as u64, "shard"),
        };
        line.push(PLAIN, shards);
        line.push(DIM, format!("  {mapping}"));
        line
    }

    pub(super) fn closed(
        self,
        time: OffsetDateTime,
        function: &str,
        mapping: &str,
        id: &str,
        why: ShardEnd,
    ) -> Line {
        let (style, words) = match why {
            ShardEnd::Processed => (DIM, "is closed and processed to its end"),
            ShardEnd::Gone => (WARNING, "is no longer listed"),
            ShardEnd::Recreated => (WARNING, "belongs to a stream that was deleted"),
            ShardEnd::Panicked => (BAD, "its poller panicked"),
            ShardEnd::Stopped => (DIM, "is no longer read"),
        };
        let mut line = self.begin(time, function, (style, "closed"));
        line.push(PLAIN, format!("shard {} {words}", shard(id)));
        line.push(DIM, format!("  {mapping}"));
        line
    }

    pub(super) fn dropped(self, time: OffsetDateTime, events: u64) -> Line {
        let mut line = self.begin(time, "", (WARNING, "skipped"));
        line.push(
            WARNING,
            format!(
                "{}: they came faster than they can be shown",
                count(events, "event")
            ),
        );
        line
    }

    pub(super) fn log(
        self,
        time: OffsetDateTime,
        function: &str,
        log: &LogText,
        tag: Option<Tag>,
    ) -> Line {
        let of_level = match (log.metrics, log.level) {
            (true, _) => (INFORMATION, "metrics"),
            (false, Some(level)) => (level_style(level), level.name()),
            (false, None) => (PLAIN, ""),
        };
        let mut line = self.begin(time, function, tag.unwrap_or(of_level));
        let level = log.level.unwrap_or(Level::Info);
        if level >= Level::Warn {
            line.wrap();
        }
        let (message, fields) = match (log.metrics, level) {
            (true, _) => (PLAIN, PLAIN),
            (false, Level::Error) => (BAD, DIM),
            (false, Level::Warn) => (WARNING, DIM),
            (false, Level::Info) => (PLAIN, DIM),
            (false, _) => (DIM, DIM),
        };
        line.push(message, self.text(&log.message));
        // Where lines wrap, ids would fill the screen.
        let no_rare = self.terminal && level >= Level::Warn && !log.message.is_empty();
        let rare = log.rare.iter().filter(|_| !no_rare);
        for (index, (name, value)) in log.fields.iter().chain(rare).enumerate() {
            let gap = match index {
                0 if log.message.is_empty() => "",
                _ => "  ",
            };
            line.push(fields, format!("{gap}{name}={}", self.text(value)));
        }
        if let Some(trace) = &log.trace {
            line.push(DIM, format!("\n{trace}"));
        }
        line
    }

    /// Adds the first line of an error. What follows is a stack trace, which the function's
    /// own lines have too: a terminal leaves it out, and elsewhere it is returned, for the
    /// end.
    fn push_error(self, line: &mut Line, error: &Error) -> Option<String> {
        line.push(PLAIN, "  ");
        let message = self.text(error.message.trim());
        let (first, rest) = match message.split_once('\n') {
            Some((first, _)) if self.terminal => (format!("{} …", first.trim_end()), None),
            Some((first, rest)) => (first.to_owned(), Some(format!("\n{rest}"))),
            None => (message, None),
        };
        match named(&error.kind) {
            "" => line.push(BAD, first),
            kind if first.is_empty() => line.push(BAD_BOLD, printable(kind)),
            kind => {
                line.push(BAD_BOLD, format!("{}: ", printable(kind)));
                line.push(BAD, first);
            }
        }
        rest
    }
}

fn level_style(level: Level) -> Style {
    match level {
        Level::Trace | Level::Debug => DIM,
        Level::Info => INFORMATION,
        Level::Warn => WARNING,
        Level::Error => BAD_BOLD,
    }
}

fn outcome(outcome: Outcome) -> Tag {
    match outcome {
        Outcome::Ok => (GOOD, "ok"),
        Outcome::Partial => (WARNING, "partial"),
        Outcome::Error => (BAD_BOLD, "error"),
        Outcome::Timeout => (BAD_BOLD, "timeout"),
        Outcome::Exit => (BAD_BOLD, "exited"),
        Outcome::Init => (BAD_BOLD, "init"),
        Outcome::Throttled => (WARNING, "throttled"),
        Outcome::TooLarge => (BAD_BOLD, "too large"),
        Outcome::Unavailable => (BAD_BOLD, "no answer"),
    }
}
