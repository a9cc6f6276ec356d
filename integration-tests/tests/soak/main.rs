//! Runs the pipeline at a steady rate while parts of it fail. No record may be lost, and
//! the report shows whether memory grows. It runs for `SOAK_SECONDS`; without that
//! variable, the test is ignored.
//!
//! ```text
//! SOAK_SECONDS=600 cargo test --test soak
//! ```

mod faults;
mod tally;

use std::{path::Path, process::ExitCode, sync::Arc, time::Duration};

use anyhow::{Context, ensure};
use aws_sdk_kinesis::{Client, primitives::Blob, types::PutRecordsRequestEntry};
use aws_wire::DEFAULT_REGION;
use faults::Faults;
use integration_tests::patience::eventually;
use libtest_mimic::{Arguments, Failed, Trial};
use local::{
    embedded::{Embedded, Options},
    project::Project,
};
use loopback_client::sdk_config;
use tally::Tally;
use tokio::time::{Instant, interval};

/// The time between two faults.
const BETWEEN_FAULTS: Duration = Duration::from_secs(3);

/// The interval between two writes. Each writes all records that are due.
const TICK: Duration = Duration::from_millis(100);

/// The most bytes of records that the stream keeps. The bound makes a leak show.
const KEPT: u64 = 8 * 1024 * 1024;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let seconds = number("SOAK_SECONDS");
    if seconds.is_none() {
        eprintln!("ignored: SOAK_SECONDS is not set");
    }
    let soak = move || {
        let seconds = seconds.ok_or("SOAK_SECONDS is not set")?;
        let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
        runtime
            .block_on(soak(Duration::from_secs(seconds)))
            .map_err(|error| Failed::from(format!("{error:#}")))
    };
    let name = "no_record_is_lost_while_parts_of_the_pipeline_fail";
    let trial = Trial::test(name, soak).with_ignored_flag(seconds.is_none());
    libtest_mimic::run(&arguments, vec![trial]).exit_code()
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

async fn soak(length: Duration) -> anyhow::Result<()> {
    let rate = number("SOAK_RATE").unwrap_or(100);
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("this package has no workspace around it")?;
    let release = std::env::var_os("SOAK_RELEASE").is_some();
    let bootstrap = local::cargo_build::build(workspace, "bootstrap", release).await?;
    let mut project = Project::in_region(&workspace.join("template.yaml"), DEFAULT_REGION)?;
    let environment = &mut project.environment;
    // The mapping is started here, so that it can be restarted.
    let mapping = environment.mappings.pop().context("no mapping")?;
    let stream = mapping.stream.clone();
    // An on-demand stream cannot be split or merged.
    let streams = environment.streams.iter_mut();
    streams.for_each(|stream| stream.shards = Some(1));
    let bootstraps = [(mapping.function.clone(), bootstrap)].into();
    let embedded = Embedded::start(Options {
        kinesis: kinesis_engine::Options {
            max_memory: Some(KEPT),
            ..kinesis_engine::Options::default()
        },
        ..Options::new(project, bootstraps)
    })
    .await?;
    let kinesis = Client::new(&sdk_config(&embedded.aws.url(), DEFAULT_REGION));
    let tally = Arc::new(Tally::default());
    let mut faults = Faults::start(embedded, mapping, kinesis.clone(), tally.clone())?;

    let began = Instant::now();
    let (mut ticks, mut next_fault) = (interval(TICK), began + BETWEEN_FAULTS);
    let (mut written, mut next_report) = (0, began);
    while began.elapsed() < length {
        ticks.tick().await;
        let due = rate * u64::try_from(began.elapsed().as_millis())? / 1000;
        write(&kinesis, &stream, written..due).await?;
        written = due.max(written);
        if Instant::now() >= next_report {
            tally.note_memory(began.elapsed(), written)?;
            next_report += Duration::from_secs(10);
        }
        if Instant::now() >= next_fault {
            faults.next().await?;
            next_fault += BETWEEN_FAULTS;
        }
    }
    let all_done = || tally.done();
    eventually("all records done", all_done, |done| *done == written).await?;
    tally.note_memory(began.elapsed(), written)?;
    println!("{}", tally.report(written, &faults));
    ensure!(tally.discarded() == 0, "records were discarded");
    faults.stop().await;
    Ok(())
}

async fn write(
    kinesis: &Client,
    stream: &str,
    numbers: std::ops::Range<u64>,
) -> anyhow::Result<()> {
    let numbers: Vec<_> = numbers.collect();
    for batch in numbers.chunks(500) {
        let entry = |number: &u64| {
            let location = ["Car", "House", "Diner"][usize::try_from(number % 3).unwrap_or(0)];
            let data = format!(
                r#"{{"id":"{number}","name":"Model One","location":"{location}","writeTime":"2026-11-22T10:20:30Z"}}"#
            );
            PutRecordsRequestEntry::builder()
                .partition_key(number.to_string())
                .data(Blob::new(data))
                .build()
        };
        let entries: Vec<_> = batch.iter().map(entry).collect::<Result<_, _>>()?;
        let put = kinesis.put_records().stream_name(stream);
        let put = put.set_records(Some(entries)).send().await?;
        let failed = put.failed_record_count.unwrap_or(0);
        ensure!(failed == 0, "{failed} records were not written");
    }
    Ok(())
}
