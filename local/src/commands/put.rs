//! `klocal put`: records into a stream.

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use anyhow::{Error, anyhow};
use aws_wire::DEFAULT_REGION;
use clap::Args;
use load_generator::{
    feed::Order,
    load::{self, Done, LoadError, NoObserver},
    report::Report,
    writer::{Mode, Writer},
};
use tokio_util::sync::CancellationToken;

use super::{
    args::Format,
    kinesis_endpoint::KinesisEndpointArgs,
    load_args::{PaceArgs, ShapeArgs, load, no_records, source},
};
use crate::{
    outcome::{Failure, INTERRUPTED, Outcome},
    project::{Project, find_template},
    records::Records,
    signals::Signals,
};

/// Write records to a stream of a running `klocal up`, or at any endpoint.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 all records written, 1 some were not, 2 bad arguments, 130 interrupted.

Examples:
  cargo local put orders --file orders.jsonl --partition-key /orderId
  cargo local put orders --template order.json --rate 100 --duration 30s
  cargo local put orders --file captured.jsonl --as-recorded")]
pub struct Put {
    /// The stream's name
    #[arg(value_name = "STREAM")]
    stream: String,

    /// Records: JSON lines, or what `klocal capture` wrote; - is stdin. Of a folder, each
    /// file is a record, and .jsonl files have one in each line
    #[arg(long, value_name = "FILE", conflicts_with = "template")]
    file: Option<PathBuf>,

    /// Records: a file with a JSON document and placeholders [default: the records of
    /// `[e2e]` in local.toml]
    #[arg(long, value_name = "FILE")]
    template: Option<PathBuf>,

    /// Write captured records as they arrived then: in their order, with the same pauses
    #[arg(long, requires = "file", conflicts_with_all = ["rate", "threads"])]
    as_recorded: bool,

    #[command(flatten)]
    shape: ShapeArgs,
    #[command(flatten)]
    pace: PaceArgs,

    /// Send one record per request (`PutRecord`), not up to 500 (`PutRecords`)
    #[arg(long)]
    single: bool,

    #[command(flatten)]
    endpoint: KinesisEndpointArgs,

    /// Format of the report on stdout
    #[arg(long, value_enum, default_value_t = Format::Text)]
    output: Format,
}

impl Put {
    /// Writes the records.
    ///
    /// # Errors
    ///
    /// There are no records, or they cannot be written. A report of those written before
    /// then is printed first.
    pub async fn run(self) -> Outcome {
        let signals = Signals::listen().map_err(Failure::run)?;
        let records = self.records()?;
        let order = if self.as_recorded {
            Order::AsRecorded
        } else {
            self.pace.order()
        };
        let (feed, plan, _) = load(&records, &self.pace, &self.shape, order)?;
        let mode = if self.single {
            Mode::Single
        } else {
            Mode::Batches
        };
        let writer = Writer::new(self.endpoint.client().await, &self.stream, mode);
        let stop = CancellationToken::new();
        let observer = Arc::new(NoObserver);
        let writing = load::run(&writer, feed.into(), plan, observer, &stop);
        tokio::pin!(writing);
        let Done { report, error } = tokio::select! {
            done = &mut writing => done,
            () = signals.interrupted() => {
                stop.cancel();
                writing.await
            }
        };
        // A person needs only the error if nothing was written. A program that reads
        // JSON always gets its report.
        if error.is_none() || report.written > 0 || self.output == Format::Json {
            self.print(&report).map_err(Failure::run)?;
        }
        match error {
            Some(error) => Err(failure(error)),
            None if report.partial => Ok(ExitCode::from(INTERRUPTED)),
            None if report.failed > 0 => Ok(ExitCode::FAILURE),
            None => Ok(ExitCode::SUCCESS),
        }
    }

    fn records(&self) -> Result<Records, Failure> {
        let flag = source(self.template.as_deref(), self.file.as_deref());
        let project = match &flag {
            Some(_) => None,
            None => self.project()?,
        };
        let records = project.as_ref().and_then(|one| one.local.records.as_ref());
        let records = self.shape.records(flag, records);
        records.ok_or_else(|| no_records("`--file FILE` or `--template FILE`"))
    }

    /// The working folder's project, if there is one.
    fn project(&self) -> Result<Option<Project>, Failure> {
        let here = std::env::current_dir().map_err(Failure::configuration)?;
        let Ok(template) = find_template(&here) else {
            return Ok(None);
        };
        let region = self.endpoint.region.as_deref().unwrap_or(DEFAULT_REGION);
        let project = Project::in_region(&template, region);
        project.map(Some).map_err(Failure::configuration)
    }

    fn print(&self, report: &Report) -> serde_json::Result<()> {
        match self.output {
            Format::Text => println!("{report}"),
            Format::Json => println!("{}", serde_json::to_string(report)?),
        }
        Ok(())
    }
}

fn failure(error: LoadError) -> Failure {
    Failure::run(match error {
        LoadError::Write(error) => anyhow!("{error}\nhint: {}", error.hint()),
        LoadError::Feed(error) => Error::new(error),
    })
}
