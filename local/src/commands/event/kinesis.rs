//! `klocal event kinesis`.

use std::path::PathBuf;

use anyhow::anyhow;
use aws_wire::{ACCOUNT_ID, DEFAULT_REGION};
use bytes::Bytes;
use clap::Args;
use event_source_mapping::{event, source::Record};
use serde_json::Value;
use time::OffsetDateTime;

use super::{Line, documents};
use crate::{commands::input, outcome::Failure, records::pointer};

/// The shard of every record.
const SHARD: &str = "shardId-000000000000";

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo local event kinesis orders.jsonl --partition-key /orderId > event.json
  echo '{\"orderId\":1}' | cargo local event kinesis | cargo local invoke my-function --event -")]
pub(super) struct Kinesis {
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

impl Kinesis {
    pub(super) fn event(&self) -> Result<Bytes, Failure> {
        let text = input::read(&self.file)?;
        let records = self.records(&text, OffsetDateTime::now_utc());
        let records = records.map_err(Failure::configuration)?;
        let (region, stream) = (&self.region, &self.stream);
        let arn = format!("arn:aws:kinesis:{region}:{ACCOUNT_ID}:stream/{stream}");
        Ok(event::of_records(&arn, region, SHARD, &records))
    }

    fn records(&self, text: &[u8], arrived: OffsetDateTime) -> anyhow::Result<Vec<Record>> {
        let mut records = Vec::new();
        for line in documents(&self.file, text) {
            let Line { at, text, document } = line?;
            let number = records.len() + 1;
            let partition_key = match &self.partition_key {
                None => number.to_string(),
                Some(pointer) => key(&document, pointer).ok_or_else(|| {
                    anyhow!("{at}: no string or number at {pointer}, the partition key")
                })?,
            };
            records.push(Record {
                // 56 digits, as Kinesis has.
                sequence_number: format!("4960{number:052}"),
                partition_key,
                data: Bytes::copy_from_slice(text),
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
