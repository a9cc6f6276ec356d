//! The command line: flags, and the article's environment variables.

use std::{io::IsTerminal, process::ExitCode, sync::Arc, time::Duration};

use anyhow::Context;
use aws_config::BehaviorVersion;
use clap::{Parser, ValueEnum, builder::NonEmptyStringValueParser, value_parser};
use indicatif::{ProgressBar, ProgressStyle};

use load_generator::{
    feed::Feed,
    load::{self, Done, LoadObserver},
    plan::{Pace, Plan},
    report::Report,
    writer::{Mode, Writer},
};

use crate::{
    interrupt::{INTERRUPTED, stop_on_signal},
    record::Reading,
};

/// The most records of one thread. Even the total of 1,000 threads is then a number
/// that an `f64` represents exactly.
const MAX_RECORDS: u64 = 1_000_000_000_000;

/// Write records to a Kinesis stream, and report how long it took.
///
/// The AWS SDK's settings choose region, credentials and endpoint. For the local
/// environment, set `AWS_ENDPOINT_URL=http://127.0.0.1:4566`.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "\
Exit codes: 0 all records written, 1 some were not, 2 bad arguments,
130 interrupted. Ctrl-C or SIGTERM finishes the batches in flight and prints a
partial report; a second one exits at once."
)]
pub struct Cli {
    /// The stream to write to
    #[arg(long, env = "KINESIS_STREAM_NAME", value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    stream: String,

    /// Threads that write at the same time
    #[arg(long, env = "THREAD_COUNT", value_name = "N", default_value_t = 1, value_parser = value_parser!(u32).range(1..=1000))]
    threads: u32,

    /// Records that each thread writes: --threads 3 --records 10 writes 30
    #[arg(long, env = "RECORD_COUNT", value_name = "N", default_value_t = 10, value_parser = value_parser!(u64).range(1..=MAX_RECORDS))]
    records: u64,

    /// Records that all threads write together, instead of --records for each
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..=MAX_RECORDS))]
    total: Option<u64>,

    /// Records per second, of all threads together [default: no limit]
    #[arg(long, value_name = "R", allow_negative_numbers = true, value_parser = positive)]
    rate: Option<f64>,

    /// Send one record per request (`PutRecord`), not up to 500 (`PutRecords`)
    #[arg(long)]
    single: bool,

    /// Format of the report on stdout
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

/// The report's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Text,
    Json,
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate.is_finite() && rate >= 0.001 => Ok(rate),
        _ => Err("expected records per second, 0.001 or more, such as 100".to_owned()),
    }
}

impl Cli {
    /// Writes the records and prints the report. Exit code 0 if all were
    /// written, 1 if some failed, 130 if a signal stopped the load.
    ///
    /// # Errors
    ///
    /// The stream does not exist or Kinesis cannot be reached. A report of the
    /// records written before then is printed first.
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        // First of all, so that an early signal does not end the program without a
        // report.
        let stop = stop_on_signal().context("handling SIGINT and SIGTERM")?;
        let records = self.records * u64::from(self.threads);
        let records = self.total.unwrap_or(records);
        let plan = Plan {
            threads: self.threads,
            records: Some(records),
            duration: None,
            pace: self.rate.map_or(Pace::Unlimited, Pace::Rate),
        };
        let mode = if self.single {
            Mode::Single
        } else {
            Mode::Batches
        };
        let aws = aws_config::load_defaults(BehaviorVersion::latest()).await;
        let writer = Writer::new(aws_sdk_kinesis::Client::new(&aws), &self.stream, mode);

        let bar = progress_bar(records);
        let observer = Arc::new(Bar(bar.clone()));
        let feed = Arc::new(Feed::made(|| Reading::random().into()));
        let Done { report, error } = load::run(&writer, feed, plan, observer, &stop).await;
        bar.finish_and_clear();
        // A person needs only the error if nothing was written. A program that
        // reads JSON always gets its report.
        if error.is_none() || report.written > 0 || self.output == Output::Json {
            self.print(&report)?;
        }
        if let Some(error) = error {
            return Err(error).context("writing records");
        }
        Ok(if report.partial && stop.is_cancelled() {
            ExitCode::from(INTERRUPTED)
        } else if report.failed > 0 {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        })
    }

    fn print(&self, report: &Report) -> anyhow::Result<()> {
        match self.output {
            Output::Text => println!("{report}"),
            Output::Json => println!("{}", serde_json::to_string(report)?),
        }
        Ok(())
    }
}

/// Moves a progress bar.
struct Bar(ProgressBar);

impl LoadObserver for Bar {
    fn progress(&self, records: u64) {
        self.0.inc(records);
    }
}

/// A progress bar on a terminal, nothing elsewhere.
fn progress_bar(total: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(total);
    if let Ok(style) =
        ProgressStyle::with_template("{bar:40} {pos}/{len} records  {per_sec}  {eta} left")
    {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

#[cfg(test)]
mod tests {
    use super::Cli;
    use clap::{CommandFactory, Parser};

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_rate_of_zero_is_refused() {
        let refused = Cli::try_parse_from(["producer", "--stream", "s", "--rate", "0"]);
        let refused = refused.unwrap_err();
        assert!(refused.to_string().contains("0.001 or more"), "{refused}");
        assert_eq!(refused.exit_code(), 2);
    }
}
