//! The whole pipeline once: start everything, write records, see every one
//! processed, report.

pub mod containers;
pub mod report;
pub mod site;
pub mod tally;

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, bail};
use serde::Deserialize;
use tokio::{process::Command, time::Instant};

use crate::cargo_build;
use report::{Report, Run};
use site::Site;
use tally::Tally;

/// How long nothing may move before the run counts as stuck.
const PATIENCE: Duration = Duration::from_secs(30);

/// What to write.
#[derive(Debug, Clone)]
pub struct Load {
    /// The producer's executable.
    pub producer: PathBuf,
    /// All records.
    pub records: u64,
    /// Writers side by side.
    pub threads: u32,
    /// Records per second; none is as fast as they go.
    pub rate: Option<f64>,
}

/// What the producer's report says, as far as it matters here.
#[derive(Debug, Clone, Copy, Deserialize)]
struct Written {
    written: u64,
    failed: u64,
}

/// Writes `load` to the stream of a running pipeline and waits until every
/// record is dealt with, nothing moves any more, or `interrupted` is done.
///
/// # Errors
///
/// The producer cannot be run, or writes nothing.
pub async fn run(
    site: &dyn Site,
    load: &Load,
    tally: &Arc<Tally>,
    startup: Duration,
    interrupted: impl Future<Output = ()>,
) -> anyhow::Result<Report> {
    let began = Instant::now();
    tokio::pin!(interrupted);
    let mut partial = false;
    let producing = produce(site, load);
    tokio::pin!(producing);
    let written = tokio::select! {
        written = &mut producing => written?,
        () = &mut interrupted => {
            // The producer has got the same Ctrl-C and reports what it wrote.
            partial = true;
            producing.await?
        }
    };
    let settled = async { until_settled(tally, written.written).await };
    if partial {
        settled.await;
    } else {
        tokio::select! {
            () = settled => {}
            () = interrupted => partial = true,
        }
    }
    let run = Run {
        produced: written.written,
        refused: written.failed,
        startup,
        elapsed: began.elapsed(),
        partial,
        flat_out: load.rate.is_none(),
    };
    Ok(Report::new(&site.seen().await, tally, &run))
}

/// Waits until `written` records are dealt with, or nothing moves any more.
async fn until_settled(tally: &Tally, written: u64) {
    let mut changes = tally.changes();
    while tally.settled() < written {
        let moved = tokio::time::timeout(PATIENCE, changes.changed()).await;
        if !matches!(moved, Ok(Ok(()))) {
            tracing::error!(
                settled = tally.settled(),
                written,
                "nothing has moved for {} s",
                PATIENCE.as_secs()
            );
            return;
        }
    }
}

async fn produce(site: &dyn Site, load: &Load) -> anyhow::Result<Written> {
    let threads = u64::from(load.threads);
    let per_thread = load.records.div_ceil(threads);
    let mut command = Command::new(&load.producer);
    command
        .args(["--stream", site.stream(), "--output", "json"])
        .args(["--threads", &load.threads.to_string()])
        .args(["--records", &per_thread.to_string()])
        .env("AWS_ENDPOINT_URL", site.endpoint())
        .env("AWS_REGION", aws_wire::DEFAULT_REGION)
        .env("AWS_ACCESS_KEY_ID", "local")
        .env("AWS_SECRET_ACCESS_KEY", "local")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true);
    if let Some(rate) = load.rate {
        command.args(["--rate", &rate.to_string()]);
    }
    let running = || format!("running the producer {}", load.producer.display());
    // Not `output`, which would keep the producer's stderr to itself.
    let producer = command.spawn().with_context(running)?;
    let output = producer.wait_with_output().await.with_context(running)?;
    match serde_json::from_slice(&output.stdout) {
        Ok(written) => Ok(written),
        Err(_) => bail!("the producer gave no report ({})", output.status),
    }
}

/// The producer beside the bootstrap, built from the same workspace.
///
/// # Errors
///
/// It cannot be built.
pub async fn build_producer(template: &Path, release: bool) -> anyhow::Result<PathBuf> {
    let folder = cargo_build::folder_of(template);
    let workspace = folder
        .ancestors()
        .find(|folder| folder.join("producer/Cargo.toml").is_file())
        .or_else(|| workspace_of_this_program().filter(|folder| folder.exists()))
        .context(
            "the producer's source is neither beside the template nor where this program was built; name its executable with --producer PATH",
        )?;
    Ok(cargo_build::build(workspace, "producer", release).await?)
}

/// Where this program was built: a template may stand anywhere.
fn workspace_of_this_program() -> Option<&'static Path> {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent()
}
