//! `klocal wait`: until every record written so far is settled.

use std::{fmt::Write, process::ExitCode, time::Duration};

use anyhow::{Error, anyhow};
use clap::Args;
use event_source_mapping::settlement::DiscardedBatch;

use super::{
    args::UrlArgs,
    queue_status,
    status::{self, Method},
};
use crate::{
    outcome::{Failure, Outcome},
    status_board::{SETTLED_PATH, SETTLED_TIMEOUT, Settled},
    terminal::{Screen, units::count},
};

/// How much longer than the wait its reply may take.
const GRACE: Duration = Duration::from_secs(10);

/// Discarded batches that are named; the rest is counted.
const MOST_NAMED: usize = 20;

/// Wait until every mapping has settled every record written so far.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 every record is processed or filtered out; 1 a batch was discarded since the
wait before (or since the start), or the time is up.

Example: put records, then
  klocal wait --timeout 10 && echo processed")]
pub struct Wait {
    /// Seconds to wait at the longest
    #[arg(long, value_name = "S", default_value_t = SETTLED_TIMEOUT.as_secs(), value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: u64,

    #[command(flatten)]
    url: UrlArgs,
}

impl Wait {
    /// Waits.
    ///
    /// # Errors
    ///
    /// Nothing answers, a batch was discarded, or the time is up.
    pub async fn run(self) -> Outcome {
        let path = format!("{SETTLED_PATH}?timeout={}", self.timeout);
        let most = Duration::from_secs(self.timeout) + GRACE;
        let reply = status::ask_for(&self.url.url(), &path, Method::POST, Some(most)).await;
        let reply: Settled = reply.map_err(Failure::run)?;
        if !reply.settled {
            return Err(Failure::run(self.unsettled(&reply)));
        }
        if reply.discarded.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        Err(Failure::run(anyhow!(
            "{}\nhint: `klocal failures list` has their invocation records",
            named(&reply.discarded)
        )))
    }

    fn unsettled(&self, reply: &Settled) -> Error {
        let mut text = format!("records are not settled after {} s\n", self.timeout);
        let (status, width) = (&reply.status, Screen::stderr().width);
        text.push_str(&status::describe(&status.mappings, width));
        text.push_str(&queue_status::describe(&status.queue_mappings, width));
        if !reply.discarded.is_empty() {
            text.push_str(&named(&reply.discarded));
            text.push('\n');
        }
        text.push_str("hint: wait longer with `--timeout S`; `klocal status` has the state");
        Error::msg(text)
    }
}

/// A line that counts the batches, and a line for each.
fn named(batches: &[DiscardedBatch]) -> String {
    let records: u64 = batches.iter().map(|batch| batch.records).sum();
    let mut text = format!(
        "{} {} discarded ({})",
        count(batches.len() as u64, "batch"),
        if batches.len() == 1 { "was" } else { "were" },
        count(records, "record")
    );
    for batch in batches.iter().take(MOST_NAMED) {
        let numbers = if batch.start_sequence_number == batch.end_sequence_number {
            batch.start_sequence_number.clone()
        } else {
            format!(
                "{} to {}",
                batch.start_sequence_number, batch.end_sequence_number
            )
        };
        let error = batch.error.as_deref();
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "\n  {} {}: {}: {}{}{}",
            batch.mapping,
            batch.shard,
            numbers,
            batch.condition,
            if error.is_some() { ": " } else { "" },
            error.unwrap_or_default()
        );
    }
    if let Some(more) = batches
        .len()
        .checked_sub(MOST_NAMED)
        .filter(|more| *more > 0)
    {
        let _ = write!(text, "\n  and {more} more");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::named;
    use event_source_mapping::settlement::DiscardedBatch;

    #[test]
    fn a_discarded_batch_is_named_by_mapping_shard_sequence_numbers_and_reason() {
        let one = DiscardedBatch {
            mapping: "Mapping".into(),
            shard: "shardId-0".into(),
            start_sequence_number: "1".into(),
            end_sequence_number: "1".into(),
            records: 1,
            condition: "RetryAttemptsExhausted".into(),
            error: Some("Refused: no".into()),
        };
        let many = DiscardedBatch {
            end_sequence_number: "3".into(),
            records: 3,
            error: None,
            ..one.clone()
        };
        assert_eq!(
            named(&[one, many]),
            "2 batches were discarded (4 records)\n  \
             Mapping shardId-0: 1: RetryAttemptsExhausted: Refused: no\n  \
             Mapping shardId-0: 1 to 3: RetryAttemptsExhausted"
        );
    }
}
