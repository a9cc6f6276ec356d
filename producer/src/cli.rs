//! The command line: flags, and the article's environment variables.

use std::{io::IsTerminal, process::ExitCode, sync::Arc, time::Duration};

use anyhow::Context;
use aws_config::BehaviorVersion;
use clap::{Parser, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use tokio_util::sync::CancellationToken;

use crate::{
    load::{self, Plan, Progress},
    report::Report,
    writer::{Mode, Writer},
};

/// Exit code after Ctrl-C: 128 + SIGINT, as shells have it.
const INTERRUPTED: u8 = 130;

/// Writes records to a Kinesis stream and reports what it took.
///
/// Region, credentials and endpoint are the AWS SDK's own: against the local
/// environment, set `AWS_ENDPOINT_URL=http://127.0.0.1:4566`.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Cli {
    /// The stream to write to
    #[arg(long, env = "KINESIS_STREAM_NAME", value_name = "NAME")]
    stream: String,

    /// Writers side by side
    #[arg(long, env = "THREAD_COUNT", value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    threads: u32,

    /// Records for each writer
    #[arg(long, env = "RECORD_COUNT", value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    records: u64,

    /// Records per second, all writers together [default: as fast as they go]
    #[arg(long, value_name = "R", value_parser = positive)]
    rate: Option<f64>,

    /// One `PutRecord` per record instead of batches with `PutRecords`
    #[arg(long)]
    single: bool,

    /// How the report is written to stdout
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

/// The report's form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Text,
    Json,
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate.is_finite() && rate >= 0.001 => Ok(rate),
        _ => Err("expected a number above 0, such as 100".to_owned()),
    }
}

impl Cli {
    /// Writes the records, prints the report and says how it went: 0 all
    /// written, 1 some failed, 130 interrupted.
    ///
    /// # Errors
    ///
    /// The stream does not exist or Kinesis cannot be reached.
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let plan = Plan {
            threads: self.threads,
            records_per_thread: self.records,
            rate: self.rate,
        };
        let mode = if self.single {
            Mode::Single
        } else {
            Mode::Batches
        };
        let aws = aws_config::load_defaults(BehaviorVersion::latest()).await;
        let writer = Writer::new(aws_sdk_kinesis::Client::new(&aws), &self.stream, mode);

        let stop = stop_on_interrupt();
        let bar = progress_bar(plan.total());
        let progress: Progress = Arc::new({
            let bar = bar.clone();
            move |count| bar.inc(count)
        });
        let done = load::run(&writer, plan, progress, stop.clone()).await;
        bar.finish_and_clear();
        let report = done.context("writing records")?;

        self.print(&report)?;
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

/// The first Ctrl-C ends the load and prints what was done, a second one exits
/// at once.
fn stop_on_interrupt() -> CancellationToken {
    let stop = CancellationToken::new();
    let stopping = stop.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            eprintln!("stopping: what is on its way is finished; Ctrl-C again to exit at once");
            stopping.cancel();
        }
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(INTERRUPTED.into());
        }
    });
    stop
}

/// A bar on a terminal, nothing elsewhere.
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
    fn a_rate_of_nothing_is_refused() {
        let refused = Cli::try_parse_from(["producer", "--stream", "s", "--rate", "0"]);
        assert!(refused.unwrap_err().to_string().contains("above 0"));
    }
}
