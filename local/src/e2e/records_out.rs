//! What became of each record of a run, a JSON line each.

use std::io::{self, Write};

use serde::Serialize;

use super::{
    Puts,
    tally::{
        Tally,
        ledger::{Entry, State},
    },
    writing::PutOf,
};

/// One record, of one mapping.
#[derive(Debug, Default, Serialize)]
struct Line<'r> {
    /// `None` for a record that Kinesis refused.
    mapping: Option<&'r str>,
    shard: Option<&'r str>,
    sequence_number: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    partition_key: Option<&'r str>,
    /// Invocations that took the record; for a refused one, its puts.
    tries: u32,
    outcome: &'static str,
    latency_ms: Option<f64>,
    error: Option<&'r str>,
}

/// Writes a line for each record: those that the mappings saw, those that they never saw
/// (`lost`), and those that Kinesis refused.
///
/// # Errors
///
/// `out` cannot be written.
pub fn write(out: &mut impl Write, tally: &Tally, puts: Option<&Puts>) -> io::Result<()> {
    let mut written = Ok(());
    tally.each(|mapping, (shard, sequence_number, entry)| {
        if written.is_ok() {
            written = line(out, &seen(mapping, shard, sequence_number, entry));
        }
    });
    written?;
    let mappings = tally.mappings();
    for put in puts.map(Puts::taken).into_iter().flatten() {
        match &put {
            PutOf::Acknowledged {
                shard,
                sequence_number,
            } => {
                for mapping in &mappings {
                    if !tally.saw(mapping, shard, sequence_number) {
                        let lost = Line {
                            mapping: Some(mapping),
                            shard: Some(shard),
                            sequence_number: Some(sequence_number),
                            outcome: "lost",
                            ..Line::default()
                        };
                        line(out, &lost)?;
                    }
                }
            }
            PutOf::Refused {
                partition_key,
                tries,
                error,
            } => {
                let refused = Line {
                    partition_key: Some(partition_key),
                    tries: *tries,
                    outcome: "refused",
                    error: Some(error),
                    ..Line::default()
                };
                line(out, &refused)?;
            }
        }
    }
    out.flush()
}

fn seen<'r>(
    mapping: &'r str,
    shard: &'r str,
    sequence_number: &'r str,
    entry: &'r Entry,
) -> Line<'r> {
    let condition = match entry.state {
        State::Discarded(condition) => Some(condition.as_str()),
        State::Pending | State::Processed | State::Filtered => None,
    };
    Line {
        mapping: Some(mapping),
        shard: Some(shard),
        sequence_number: Some(sequence_number),
        partition_key: None,
        tries: entry.tries,
        outcome: match entry.state {
            State::Pending => "lost",
            State::Processed => "processed",
            State::Filtered => "filtered",
            State::Discarded(_) => "discarded",
        },
        #[allow(clippy::cast_precision_loss)] // microseconds of a run, far below 2^52
        latency_ms: entry.latency_us.map(|us| us as f64 / 1e3),
        error: entry.error.as_deref().or(condition),
    }
}

fn line(out: &mut impl Write, line: &Line<'_>) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")
}
