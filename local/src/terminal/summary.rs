//! The end of a run: what it did, in numbers.

use std::{fmt::Write, time::Duration};

use event_source_mapping::queue::status::QueueStatus;

use super::{
    Screen,
    colours::{BAD, BOLD, DIM, WARNING},
    units::{count, duration, number},
};
use crate::status_board::Status;

/// What an environment did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// From its start to its end.
    pub took: Duration,
    /// Records that functions have processed.
    pub processed: u64,
    /// Records that mappings have discarded.
    pub discarded: u64,
    /// Records that no filter matched.
    pub filtered: u64,
    /// Invocations, those of the Invoke API too.
    pub invocations: u64,
    /// Invocations that retried records.
    pub retries: u64,
    /// Execution environments that were started.
    pub cold_starts: u64,
    /// Messages of queues that were deleted and that were left after a failure, if a queue
    /// is mapped.
    pub messages: Option<(u64, u64)>,
    /// Hits and gets of the local cache, if there is one.
    pub cache: Option<(u64, u64)>,
    /// Lines that could not be shown.
    pub dropped_lines: u64,
}

impl Summary {
    /// Adds what the mappings and the cache did.
    #[must_use]
    pub fn with(mut self, status: &Status) -> Self {
        let shards = status.mappings.iter();
        for shard in shards.flat_map(|mapping| mapping.shards.values()) {
            self.processed += shard.records;
            self.discarded += shard.discarded;
            self.filtered += shard.filtered;
            self.retries += shard.retries;
        }
        let queues = status.queue_mappings.iter();
        let counted =
            |all: (u64, u64), one: &QueueStatus| (all.0 + one.deleted, all.1 + one.returned);
        let any = !status.queue_mappings.is_empty();
        self.messages = any.then(|| queues.fold((0, 0), counted));
        let counts = status.cache.as_ref().map(|cache| cache.counts);
        self.cache = counts.map(|counts| (counts.hit, counts.get));
        self
    }

    /// As text.
    #[must_use]
    pub fn render(&self, screen: &Screen) -> String {
        let discarded = format!("{} discarded", number(self.discarded));
        let discarded = match self.discarded {
            0 => discarded,
            _ => screen.paint(BAD, &discarded),
        };
        let retries = match self.retries {
            0 => "0 retries".to_owned(),
            1 => screen.paint(WARNING, "1 retry"),
            many => screen.paint(WARNING, &format!("{} retries", number(many))),
        };
        let mut records = format!("{} processed, {discarded}", number(self.processed));
        if self.filtered > 0 {
            let _ = write!(records, ", {} filtered out", number(self.filtered));
        }
        let cold_starts = count(self.cold_starts, "cold start");
        let invocations = format!("{}, {retries}, {cold_starts}", number(self.invocations));
        let mut rows = vec![("records", records), ("invocations", invocations)];
        rows.extend(self.messages.map(|(processed, returned)| {
            let (processed, returned) = (number(processed), number(returned));
            (
                "messages",
                format!("{processed} processed, {returned} returned"),
            )
        }));
        rows.extend(self.cache.map(|cache| ("cache", hits(cache))));
        if self.dropped_lines > 0 {
            let lines = count(self.dropped_lines, "line");
            rows.push((
                "not shown",
                format!("{lines}: the output was not read in time"),
            ));
        }
        let took = duration(self.took.as_secs_f64() * 1000.0);
        let heading = screen.paint(BOLD, &format!("Stopped after {took}"));
        let mut text = format!("\n{heading}\n\n");
        for (name, value) in rows {
            let name = screen.paint(DIM, &format!("{name:<11}"));
            let _ = writeln!(text, "  {name}  {value}");
        }
        text
    }
}

fn hits((hits, gets): (u64, u64)) -> String {
    let text = format!("{} of {}", count(hits, "hit"), count(gets, "get"));
    let tenths = (hits * 1000 + gets / 2).checked_div(gets);
    match tenths {
        Some(tenths) => format!("{text} ({}.{}%)", tenths / 10, tenths % 10),
        None => text,
    }
}
