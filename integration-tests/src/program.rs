//! Servers that run as separate programs during a test.

use std::{
    fs::{self, File},
    net::{TcpListener, TcpStream},
    ops::Range,
    sync::atomic::{AtomicU32, Ordering},
};

use anyhow::{Context, bail};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::patience::eventually;

/// The number of log lines that an error shows.
const SHOWN: usize = 20;

/// A server that runs in a temporary folder. Dropping it ends the process.
pub struct Program {
    process: Child,
    folder: TempDir,
}

impl Program {
    /// Starts `command` and waits until it listens on `port` of this machine.
    ///
    /// # Errors
    ///
    /// The program ends before it listens, or never listens.
    pub async fn start(what: &str, mut command: Command, port: u16) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let log = File::create(folder.path().join("log"))?;
        let process = command
            .current_dir(folder.path())
            .env("TMPDIR", folder.path())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("starting {what}"))?;
        let mut program = Self { process, folder };
        let state = || {
            let listens = TcpStream::connect(("127.0.0.1", port)).is_ok();
            (program.is_running(), listens)
        };
        let ready = |state: &(bool, bool)| matches!(state, (false, _) | (true, true));
        let started = eventually(&format!("{what} (runs, listens)"), state, ready).await;
        match started {
            Ok((true, _)) => Ok(program),
            Ok((false, _)) => bail!("{what} has ended: {}", program.log()),
            Err(error) => Err(error.context(program.log())),
        }
    }

    /// Whether the program still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(None))
    }

    /// The end of the program's log.
    #[must_use]
    pub fn log(&self) -> String {
        let log = fs::read(self.folder.path().join("log")).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(SHOWN)..].join("\n")
    }
}

/// A free port for a program that cannot choose one itself. It is below the ports that
/// the system assigns, so that no other program gets it first.
///
/// # Errors
///
/// No port of the range is free.
pub fn free_port() -> anyhow::Result<u16> {
    const PORTS: Range<u32> = 20_000..32_000;
    static DRAWN: AtomicU32 = AtomicU32::new(0);
    // Concurrent test programs start at different ports.
    let first = std::process::id().wrapping_mul(97) % 12_000;
    for _ in PORTS {
        let next = first + DRAWN.fetch_add(1, Ordering::Relaxed);
        let port = PORTS.start + next % (PORTS.end - PORTS.start);
        let port = u16::try_from(port)?;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no port of {PORTS:?} is free")
}
