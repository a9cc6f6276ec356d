//! `klocal event`: an event document as Lambda passes it to a function.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, anyhow};
use aws_wire::{ACCOUNT_ID, DEFAULT_REGION};
use bytes::Bytes;
use clap::{Args, Subcommand};
use event_source_mapping::{event, source::Record};
use serde_json::Value;
use time::OffsetDateTime;

use super::input;
use crate::outcome::{Failure, Outcome};

/// The shard of every record.
const SHARD: &str = "shardId-000000000000";

/// Print an event document, as Lambda passes it to a function.
#[derive(Debug, Args)]
pub struct EventCommand {
    #[command(subcommand)]
    source: EventOf,
}

#[derive(Debug, Subcommand)]
enum EventOf {
    /// The event of a Kinesis event source mapping, from records as JSON lines
    Kinesis(Kinesis),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo local event kinesis orders.jsonl --partition-key /orderId > event.json
  echo '{\"orderId\":1}' | cargo local event kinesis | cargo local invoke my-function --event -")]
struct Kinesis {
    /// The records, a JSON document in each line; - is stdin
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,

    /// The stream's name
    #[arg(long, value_name = "NAME", default_value = "stream")]
    stream: String,

    /// JSON pointer to each record's partition key, such as /orderId [default: the
    /// record's number]
    #[arg(long, value_name = "POINTER", value_parser = pointer)]
    partition_key: Option<String>,

    /// The region of the stream's ARN
    #[arg(long, env = "AWS_REGION", value_name = "REGION", default_value = DEFAULT_REGION)]
    region: String,
}

impl EventCommand {
    /// Prints the event.
    ///
    /// # Errors
    ///
    /// The records cannot be read, or are not JSON lines.
    #[allow(clippy::unused_async, reason = "commands run alike")]
    pub async fn run(self) -> Outcome {
        let EventOf::Kinesis(kinesis) = self.source;
        let event = kinesis.event()?;
        let mut stdout = io::stdout().lock();
        stdout
            .write_all(&event)
            .and_then(|()| stdout.write_all(b"\n"))
            .context("writing the event")
            .map_err(Failure::run)?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Kinesis {
    fn event(&self) -> Result<Bytes, Failure> {
        let text = input::read(&self.file)?;
        let records = self.records(&text, OffsetDateTime::now_utc());
        let records = records.map_err(Failure::configuration)?;
        let (region, stream) = (&self.region, &self.stream);
        let arn = format!("arn:aws:kinesis:{region}:{ACCOUNT_ID}:stream/{stream}");
        Ok(event::of_records(&arn, region, SHARD, &records))
    }

    fn records(&self, text: &[u8], arrived: OffsetDateTime) -> anyhow::Result<Vec<Record>> {
        let mut records = Vec::new();
        for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
            let line = line.trim_ascii();
            if line.is_empty() {
                continue;
            }
            let at = || format!("{}:{}", name(&self.file), index + 1);
            let record: Value = serde_json::from_slice(line)
                .with_context(|| format!("{}: expected a JSON document", at()))?;
            let number = records.len() + 1;
            let partition_key = match &self.partition_key {
                None => number.to_string(),
                Some(pointer) => key(&record, pointer).ok_or_else(|| {
                    anyhow!(
                        "{}: no string or number at {pointer}, the partition key",
                        at()
                    )
                })?,
            };
            records.push(Record {
                // 56 digits, as Kinesis has.
                sequence_number: format!("4960{number:052}"),
                partition_key,
                data: Bytes::copy_from_slice(line),
                arrived,
            });
        }
        Ok(records)
    }
}

fn key(record: &Value, pointer: &str) -> Option<String> {
    match record.pointer(pointer)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn name(file: &Path) -> String {
    if file == Path::new("-") {
        "stdin".to_owned()
    } else {
        file.display().to_string()
    }
}

/// A JSON pointer (RFC 6901) to something inside a document.
fn pointer(text: &str) -> Result<String, String> {
    if text.starts_with('/') {
        Ok(text.to_owned())
    } else {
        Err("expected a JSON pointer, such as /orderId".to_owned())
    }
}
