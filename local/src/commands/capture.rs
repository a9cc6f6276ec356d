//! `klocal capture`: a stream's records as JSON lines.

use std::{
    io::{self, BufWriter, ErrorKind, Write},
    process::ExitCode,
};

use anyhow::anyhow;
use clap::Args;
use event_source_mapping::{sdk_source::SdkSource, source::Record};
use load_generator::recorded::Recorded;
use time::OffsetDateTime;

use super::{kinesis_endpoint::KinesisEndpointArgs, moments::time};
use crate::{
    capture::{Capture, CaptureError},
    outcome::{Failure, INTERRUPTED, Outcome},
    signals::Signals,
};

/// Read a stream's records, at any endpoint, and print them as JSON lines.
#[derive(Debug, Args)]
#[command(after_help = "\
Each line has shardId, sequenceNumber, approximateArrivalTimestamp, partitionKey, and data:
JSON as it is, or dataBase64. `klocal put --file FILE --as-recorded` plays them.

Examples:
  cargo local capture orders --since 10m > orders.jsonl
  cargo local capture orders --endpoint-url aws --region eu-west-1 --since 1h --limit 1000")]
pub struct CaptureCommand {
    /// The stream's name
    #[arg(value_name = "STREAM")]
    stream: String,

    /// Records that arrived since then: how long ago, such as 10m, or a time such as
    /// 2026-11-26T03:00:00Z [default: all that the stream keeps]
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<OffsetDateTime>,

    /// Records that arrived until then [default: the newest record]
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<OffsetDateTime>,

    /// Stop after this many records
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,

    #[command(flatten)]
    endpoint: KinesisEndpointArgs,
}

impl CaptureCommand {
    /// Reads the records.
    ///
    /// # Errors
    ///
    /// The times are in the wrong order, or the stream cannot be read.
    pub async fn run(self) -> Outcome {
        let mut signals = Signals::listen().map_err(Failure::run)?;
        let times = self.since.zip(self.until);
        if times.is_some_and(|(since, until)| since > until) {
            return Err(Failure::configuration(anyhow!(
                "--since is later than --until\nhint: both are times, or how long ago: `--since 2h --until 1h`"
            )));
        }
        let source = SdkSource::new(self.endpoint.client().await, &self.stream);
        let capture = Capture {
            source: &source,
            since: self.since,
            until: self.until,
            limit: self.limit,
        };
        let mut out = BufWriter::new(io::stdout().lock());
        let reading = capture.run(|shard, record| print(&mut out, shard, record));
        let read = tokio::select! {
            read = reading => Some(read),
            _ = signals.next() => None,
        };
        let flushed = out.flush();
        match read {
            Some(Ok(records)) => {
                flushed.map_err(Failure::run)?;
                eprintln!("captured {records} records of stream {}", self.stream);
                Ok(ExitCode::SUCCESS)
            }
            // Such as `head`, which has read enough.
            Some(Err(CaptureError::Output(error))) if error.kind() == ErrorKind::BrokenPipe => {
                Ok(ExitCode::SUCCESS)
            }
            Some(Err(error)) => Err(Failure::run(anyhow!(
                "stream {}: {error}\nhint: check the stream's name, `--endpoint-url`, `--region` and the AWS credentials",
                self.stream
            ))),
            None => Ok(ExitCode::from(INTERRUPTED)),
        }
    }
}

fn print(out: &mut impl Write, shard: &str, record: Record) -> io::Result<()> {
    let mut line = Recorded::new(record.partition_key, &record.data);
    line.shard_id = Some(shard.to_owned());
    line.sequence_number = Some(record.sequence_number);
    line.approximate_arrival_timestamp = Some(to_the_millisecond(record.arrived));
    serde_json::to_writer(&mut *out, &line)?;
    out.write_all(b"\n")
}

/// The protocols carry a time as a float, and it is precise to the millisecond.
fn to_the_millisecond(time: OffsetDateTime) -> OffsetDateTime {
    let milliseconds = (time.unix_timestamp_nanos() + 500_000) / 1_000_000;
    OffsetDateTime::from_unix_timestamp_nanos(milliseconds * 1_000_000).unwrap_or(time)
}
