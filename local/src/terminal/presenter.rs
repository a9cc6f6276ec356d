//! Turns events into text.

use std::sync::Arc;

use time::OffsetDateTime;

use super::{
    Level, Line, LogText, Logs, Screen, View,
    colours::{BAD_BOLD, DIM},
    counted::counted,
    describe::{Layout, Tag},
    log_line::{glance, parse},
    merged::{Merged, wait},
    pace::Pace,
    panics::{Panic, Panics},
};
use crate::events::{BatchInvoked, Event, EventKind, Outcome, ShardEnd};

/// Turns events into text. It keeps what a line needs of those before it.
pub struct Presenter {
    view: View,
    pace: Pace,
    /// The columns of the longest function name.
    longest: usize,
    panics: Panics,
}

impl Presenter {
    /// A presenter for functions with these names; others widen its columns.
    #[must_use]
    pub fn new<'a>(view: View, functions: impl IntoIterator<Item = &'a str>) -> Self {
        let longest = functions.into_iter().map(|name| name.chars().count());
        Self {
            view,
            pace: Pace::default(),
            longest: longest.max().unwrap_or(0),
            panics: Panics::default(),
        }
    }

    /// The text of events that happened together, in the order of their time.
    pub fn show(&mut self, events: &[Arc<Event>], screen: &Screen) -> String {
        let mut text = String::new();
        let merged = Merged::of(events);
        for (index, event) in events.iter().enumerate() {
            if !self.view.has(event.kind.function()) {
                continue;
            }
            match self.view.logs {
                Logs::Raw => {
                    if let EventKind::Log { text: line, .. } = &event.kind {
                        text.push_str(line);
                        text.push('\n');
                    }
                }
                Logs::Json => {
                    if level(&event.kind) >= self.view.level
                        && let Ok(line) = serde_json::to_string(event)
                    {
                        text.push_str(&line);
                        text.push('\n');
                    }
                }
                Logs::Pretty if merged.told.contains(&index) => {}
                Logs::Pretty => {
                    self.turn(event.time, screen, &mut text);
                    if let Some(line) = self.line(event, index, &merged, screen) {
                        text.push_str(&line.render(screen));
                    }
                }
            }
        }
        text
    }

    /// The counts of what was not shown before the second of `now`.
    pub fn turn_to(&mut self, now: OffsetDateTime, screen: &Screen) -> String {
        let mut text = String::new();
        self.turn(now, screen, &mut text);
        text
    }

    fn turn(&mut self, time: OffsetDateTime, screen: &Screen, text: &mut String) {
        let Some((second, hidden)) = self.pace.turn(time.unix_timestamp()) else {
            return;
        };
        // Under the second that it was in.
        let second = OffsetDateTime::from_unix_timestamp(second + 1).unwrap_or(time);
        for (function, hidden) in hidden {
            for line in counted(self.layout(screen), second, &function, &hidden) {
                text.push_str(&line.render(screen));
            }
        }
    }

    fn layout(&self, screen: &Screen) -> Layout {
        Layout::new(screen, self.longest)
    }

    fn line(
        &mut self,
        event: &Event,
        index: usize,
        merged: &Merged,
        screen: &Screen,
    ) -> Option<Line> {
        if let Some(function) = event.kind.function() {
            self.longest = self.longest.max(function.chars().count());
        }
        if let EventKind::Log {
            function,
            environment,
            text,
        } = &event.kind
        {
            let log = self.log(function, *environment, text, screen)?;
            let layout = self.layout(screen);
            return Some(layout.log(event.time, function, &log.text, log.tag));
        }
        let level = level(&event.kind);
        if level < self.view.level || (self.view.quiet && level < Level::Warn) {
            return None;
        }
        // A pipe gets everything.
        let paced = screen.width.is_some();
        let (time, layout) = (event.time, self.layout(screen));
        match &event.kind {
            EventKind::BatchInvoked(batch) => {
                let shown = !paced || self.admits(batch);
                let retry = merged.retries.get(&index).map(String::as_str);
                shown.then(|| layout.batch(time, batch, retry))
            }
            EventKind::MessagesInvoked(batch) => {
                let (function, took) = (&batch.function, batch.duration_ms);
                let shown = !paced
                    || match batch.outcome {
                        Outcome::Ok => self.pace.invocation(function, batch.messages, took),
                        _ => self.pace.failed(function),
                    };
                shown.then(|| layout.messages(time, batch))
            }
            EventKind::InvocationEnded(ended) if !ended.by_mapping => {
                let shown = !paced
                    || match ended.outcome {
                        Outcome::Ok => self.pace.invocation(&ended.function, 0, ended.duration_ms),
                        _ => self.pace.failed(&ended.function),
                    };
                shown.then(|| layout.invocation(time, ended))
            }
            EventKind::BatchDiscarded(batch) => {
                let shown = !paced || self.pace.discarded(&batch.function, batch.records);
                shown.then(|| layout.discarded(time, batch))
            }
            EventKind::BatchRedriven(batch) => Some(layout.redriven(time, batch)),
            EventKind::RetryScheduled {
                function,
                shard,
                failures,
                wait_ms,
                ..
            } => Some(layout.retry(time, function, shard, &wait(*failures, *wait_ms))),
            EventKind::EnvironmentStarted {
                function,
                environment,
                init_ms,
            } => Some(layout.started(time, function, *environment, *init_ms)),
            EventKind::EnvironmentEnded {
                function,
                environment,
            } => Some(layout.ended(time, function, *environment)),
            EventKind::ShardOpened {
                mapping, function, ..
            } => {
                let shards = merged.opened.get(&index)?;
                let shards: Vec<_> = shards.iter().map(String::as_str).collect();
                Some(layout.opened(time, function, mapping, &shards))
            }
            EventKind::ShardClosed {
                mapping,
                function,
                shard,
                why,
            } if *why != ShardEnd::Stopped => {
                Some(layout.closed(time, function, mapping, shard, *why))
            }
            EventKind::Dropped { events } => Some(layout.dropped(time, *events)),
            EventKind::Log { .. }
            | EventKind::ShardClosed { .. }
            | EventKind::ShardsChanged { .. }
            | EventKind::FaultsSet { .. }
            | EventKind::InvocationStarted { .. }
            | EventKind::InvocationEnded(_) => None,
        }
    }

    fn admits(&mut self, batch: &BatchInvoked) -> bool {
        match batch.outcome {
            Outcome::Ok => self
                .pace
                .invocation(&batch.function, batch.records, batch.duration_ms),
            _ => self.pace.failed(&batch.function),
        }
    }

    /// A log line in its parts; `None` where it is not shown.
    fn log(
        &mut self,
        function: &str,
        environment: u64,
        text: &str,
        screen: &Screen,
    ) -> Option<Shown> {
        if self.view.quiet {
            return None;
        }
        let panic = self.panics.part(function, environment, text);
        // Reading all of a line takes longer than to count it.
        let (level, metrics) = glance(text);
        if metrics && !self.view.metrics {
            return None;
        }
        let level = match panic {
            Some(Panic::Message) => Level::Error,
            Some(Panic::Backtrace) | None => level.unwrap_or(Level::Info),
        };
        if level < self.view.level || text.trim().is_empty() {
            return None;
        }
        if screen.width.is_some() && !self.pace.line(function, level) {
            return None;
        }
        let mut text = parse(text);
        let tag = match panic {
            Some(Panic::Message) => {
                text.level = Some(Level::Error);
                Some((BAD_BOLD, "panic"))
            }
            Some(Panic::Backtrace) => {
                text.level = Some(Level::Debug);
                Some((DIM, ""))
            }
            None => None,
        };
        Some(Shown { text, tag })
    }
}

struct Shown {
    text: LogText,
    /// Instead of the level.
    tag: Option<Tag>,
}

/// How much an event matters.
fn level(kind: &EventKind) -> Level {
    match kind {
        EventKind::BatchInvoked(BatchInvoked { outcome, .. }) => of_outcome(*outcome),
        EventKind::MessagesInvoked(batch) => of_outcome(batch.outcome),
        EventKind::InvocationEnded(ended) => of_outcome(ended.outcome),
        EventKind::BatchDiscarded(_) => Level::Error,
        EventKind::RetryScheduled { .. } | EventKind::Dropped { .. } => Level::Warn,
        EventKind::Log { text, .. } => glance(text).0.unwrap_or(Level::Info),
        EventKind::EnvironmentStarted { .. }
        | EventKind::ShardOpened { .. }
        | EventKind::BatchRedriven(_) => Level::Info,
        EventKind::ShardClosed { why, .. } => match why {
            ShardEnd::Panicked => Level::Error,
            ShardEnd::Gone | ShardEnd::Recreated => Level::Warn,
            ShardEnd::Processed | ShardEnd::Stopped => Level::Info,
        },
        EventKind::EnvironmentEnded { .. }
        | EventKind::InvocationStarted { .. }
        | EventKind::ShardsChanged { .. }
        | EventKind::FaultsSet { .. } => Level::Debug,
    }
}

fn of_outcome(outcome: Outcome) -> Level {
    match outcome {
        Outcome::Ok => Level::Info,
        Outcome::Partial | Outcome::Throttled => Level::Warn,
        _ => Level::Error,
    }
}
