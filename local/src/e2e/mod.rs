//! One run of the whole pipeline: write records, wait until each is settled, report.

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
use tokio::{
    process::{Child, Command},
    time::Instant,
};

use crate::{cargo_build, loopback};
use report::{Report, Run};
use site::Site;
use tally::Tally;

/// How long no count may change before the run counts as stuck.
const PATIENCE: Duration = Duration::from_secs(30);

/// What to write.
#[derive(Debug, Clone)]
pub struct Load {
    /// The producer's executable.
    pub producer: PathBuf,
    /// Records to write, all threads together.
    pub records: u64,
    /// Threads that write at the same time.
    pub threads: u32,
    /// Records per second; `None` writes as fast as possible.
    pub rate: Option<f64>,
}

/// The fields of the producer's report that matter here.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
struct Written {
    written: u64,
    failed: u64,
}

/// Writes `load` to the stream of a running pipeline. Waits until every record is
/// settled, no count changes any more, or `interrupted` completes.
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
    let producer = Producer::start(site, load)?;
    let pid = producer.pid;
    let producing = producer.report();
    tokio::pin!(producing);
    let written = tokio::select! {
        written = &mut producing => written?,
        () = &mut interrupted => {
            partial = true;
            interrupt(pid);
            // Stopped before it could report, it has written nothing that counts.
            producing.await.unwrap_or_default()
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

/// Waits until `written` records are settled, or no count changes any more.
async fn until_settled(tally: &Tally, written: u64) {
    let mut changes = tally.changes();
    while tally.settled() < written {
        let moved = tokio::time::timeout(PATIENCE, changes.changed()).await;
        if !matches!(moved, Ok(Ok(()))) {
            tracing::error!(
                settled = tally.settled(),
                written,
                "no record was settled for {} s",
                PATIENCE.as_secs()
            );
            return;
        }
    }
}

/// The producer, running.
struct Producer {
    process: Child,
    pid: Option<u32>,
    executable: PathBuf,
}

impl Producer {
    fn start(site: &dyn Site, load: &Load) -> anyhow::Result<Self> {
        let mut command = Command::new(&load.producer);
        command
            .args(["--stream", site.stream(), "--output", "json"])
            .args(["--threads", &load.threads.to_string()])
            .args(["--total", &load.records.to_string()])
            .env("AWS_ENDPOINT_URL", site.endpoint())
            .env("AWS_REGION", aws_wire::DEFAULT_REGION)
            .env("AWS_ACCESS_KEY_ID", "local")
            .env("AWS_SECRET_ACCESS_KEY", "local")
            // It talks to the endpoint alone.
            .envs(loopback::direct(&site.endpoint()))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            // A terminal's Ctrl-C goes to its group: the producer hears of it from
            // here, once, as it does of a SIGTERM.
            .process_group(0)
            .kill_on_drop(true);
        if let Some(rate) = load.rate {
            command.args(["--rate", &rate.to_string()]);
        }
        let executable = load.producer.clone();
        // Not `output`, which would keep the producer's stderr to itself.
        let process = command.spawn().with_context(|| running(&executable))?;
        Ok(Self {
            pid: process.id(),
            process,
            executable,
        })
    }

    /// Waits for its end, and reads what it says it wrote.
    async fn report(self) -> anyhow::Result<Written> {
        let output = self.process.wait_with_output().await;
        let output = output.with_context(|| running(&self.executable))?;
        match serde_json::from_slice(&output.stdout) {
            Ok(written) => Ok(written),
            Err(_) => bail!("the producer gave no report ({})", output.status),
        }
    }
}

fn running(producer: &Path) -> String {
    format!("running the producer {}", producer.display())
}

/// Has the producer stop and report what it has written.
fn interrupt(pid: Option<u32>) {
    let pid = pid.and_then(|pid| i32::try_from(pid).ok());
    if let Some(pid) = pid.map(nix::unistd::Pid::from_raw) {
        // It may have ended by itself.
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT);
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
            "the producer's source is neither beside the template nor where this program was built\nhint: name its executable with `--producer PATH`",
        )?;
    Ok(cargo_build::build(workspace, "producer", release).await?)
}

/// The workspace that this program was built in, for a template that is elsewhere.
fn workspace_of_this_program() -> Option<&'static Path> {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent()
}
