//! A program that writes the records: `--producer PATH`.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context, bail};
use serde::Deserialize;
use tokio::process::{Child, Command};

use super::{Written, site::Site};

/// A producer to run.
#[derive(Debug, Clone)]
pub struct Program {
    /// The executable.
    pub producer: PathBuf,
    /// Records to write, all threads together.
    pub records: u64,
    /// Threads that write at the same time.
    pub threads: u32,
    /// Records per second; `None` writes as fast as possible.
    pub rate: Option<f64>,
}

/// The producer, running.
pub(super) struct Producer {
    process: Child,
    pid: Option<u32>,
    executable: PathBuf,
}

/// The fields of the producer's report that matter here.
#[derive(Debug, Clone, Copy, Deserialize)]
struct ProducerReport {
    written: u64,
    failed: u64,
}

impl Producer {
    pub(super) fn start(site: &dyn Site, program: &Program) -> anyhow::Result<Self> {
        let mut command = Command::new(&program.producer);
        command
            .args(["--stream", site.stream(), "--output", "json"])
            .args(["--threads", &program.threads.to_string()])
            .args(["--total", &program.records.to_string()])
            .env("AWS_ENDPOINT_URL", site.endpoint())
            .env("AWS_REGION", aws_wire::DEFAULT_REGION)
            .env("AWS_ACCESS_KEY_ID", "local")
            .env("AWS_SECRET_ACCESS_KEY", "local")
            // It talks to the endpoint alone.
            .envs(loopback_client::direct(&site.endpoint()))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            // A terminal's Ctrl-C goes to its group: the producer hears of it from
            // here, once, as it does of a SIGTERM.
            .process_group(0)
            .kill_on_drop(true);
        if let Some(rate) = program.rate {
            command.args(["--rate", &rate.to_string()]);
        }
        let executable = program.producer.clone();
        // Not `output`, which would keep the producer's stderr to itself.
        let process = command.spawn().with_context(|| running(&executable))?;
        Ok(Self {
            pid: process.id(),
            process,
            executable,
        })
    }

    /// Its process, for [`interrupt`].
    pub(super) fn pid(&self) -> Option<u32> {
        self.pid
    }

    /// Waits for its end, and reads what it says it wrote.
    pub(super) async fn written(self) -> anyhow::Result<Written> {
        let output = self.process.wait_with_output().await;
        let output = output.with_context(|| running(&self.executable))?;
        match serde_json::from_slice::<ProducerReport>(&output.stdout) {
            Ok(report) => Ok(Written {
                written: report.written,
                refused: report.failed,
            }),
            Err(_) => bail!("the producer gave no report ({})", output.status),
        }
    }
}

/// Has the producer stop and report what it has written.
pub(super) fn interrupt(pid: Option<u32>) {
    let pid = pid.and_then(|pid| i32::try_from(pid).ok());
    if let Some(pid) = pid.map(nix::unistd::Pid::from_raw) {
        // It may have ended by itself.
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT);
    }
}

fn running(producer: &Path) -> String {
    format!("running the producer {}", producer.display())
}
