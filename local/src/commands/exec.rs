//! `klocal exec`: a command with a development environment of its own.

use std::{
    ffi::OsString,
    io::{self, ErrorKind, IsTerminal},
    os::unix::process::ExitStatusExt,
    path::PathBuf,
    process::{ExitCode, ExitStatus},
};

use anyhow::Context;
use clap::Args;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::{
    function_log::FunctionLog,
    start::{StartArgs, tell_failed_inits},
};
use crate::{
    embedded::{Embedded, Options},
    endpoints::{Endpoints, leads_away},
    leftovers::Leftovers,
    outcome::{Failure, Outcome},
    signals::Signals,
};

/// Shells' exit codes for a command that cannot be run, and one that does not exist.
const CANNOT_RUN: u8 = 126;
const NOT_FOUND: u8 = 127;

/// Start everything in the template on free ports, run a command with the environment
/// variables that lead to it, and stop everything.
#[derive(Debug, Args)]
#[command(after_help = "\
COMMAND gets AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_LAMBDA, AWS_REGION, AWS_DEFAULT_REGION,
AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, INVOKE_URL (the template's first function),
LOCAL_URL (for `klocal wait`, `status`, `invoke` and `failures`), NO_PROXY, and with a local
cache CACHE_GRPC_URL, CACHE_HTTP_URL, CACHE_STUB_URL, CACHE_PROTOSOCKET_ADDRESS and
MOMENTO_API_KEY.

Exit codes: COMMAND's own; 128 + the signal that ended it; 126 it cannot be run, 127 it does
not exist; 2 the environment cannot start.

Examples:
  cargo local exec -- pytest
  cargo local exec --show-logs -- sh -c 'aws kinesis list-streams'")]
pub struct Exec {
    #[command(flatten)]
    start: StartArgs,

    /// Show the functions' output on stderr while COMMAND runs, and not only if it fails
    #[arg(long)]
    show_logs: bool,

    /// Write the functions' output to this file too
    #[arg(long, value_name = "FILE")]
    log_file: Option<PathBuf>,

    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

impl Exec {
    /// Runs the command.
    ///
    /// # Errors
    ///
    /// The environment cannot start.
    pub async fn run(self) -> Outcome {
        let project = self.start.template.read()?;
        let environment = project.environment.clone();
        let cache = self.start.cache(&project)?;
        let otlp = self.start.otlp.collector()?;
        let bootstraps = &self.start.bootstrap;
        let bootstraps = bootstraps.resolve(&environment, &project.template).await?;
        let log = FunctionLog::open(self.log_file.as_deref(), self.show_logs)?;
        // From here on nothing may be left behind.
        let mut signals = Signals::listen().map_err(Failure::configuration)?;
        let folder = TempDir::with_prefix("local-exec-").map_err(Failure::configuration)?;
        let mut leftovers = Leftovers::of(folder.path())
            .context("starting /bin/sh")
            .map_err(Failure::configuration)?;
        let options = Options {
            scratch_in: Some(folder.path().to_owned()),
            log: log.sink(),
            otlp,
            ..self.start.options(project, cache, bootstraps)
        };
        let embedded = tokio::select! {
            started = Embedded::start(options) => started.map_err(Failure::configuration)?,
            signal = signals.next() => return Ok(ExitCode::from(code_of(signal as i32))),
        };
        tell_failed_inits(&embedded, "");
        let endpoints = Endpoints::of(&embedded, &environment, &self.start.template.region);
        let code = match self.spawn(&endpoints, &leftovers) {
            Ok(child) => {
                leftovers.runs(child.id()).await;
                ended(child, &mut signals).await.map_err(Failure::run)?
            }
            Err(error) => {
                eprintln!("error: {}: {error}", self.command[0].display());
                match error.kind() {
                    ErrorKind::NotFound => NOT_FOUND,
                    _ => CANNOT_RUN,
                }
            }
        };
        tokio::select! {
            () = embedded.shut_down() => {}
            // Dropped, the environment ends at once.
            _ = signals.next() => {}
        }
        leftovers.remove().await;
        if code != 0 {
            log.show();
        }
        Ok(ExitCode::from(code))
    }

    fn spawn(&self, endpoints: &Endpoints, leftovers: &Leftovers) -> io::Result<Child> {
        let mut command = Command::new(&self.command[0]);
        command.args(&self.command[1..]).kill_on_drop(true);
        for (name, _) in std::env::vars_os() {
            if leads_away(&name.to_string_lossy()) {
                command.env_remove(name);
            }
        }
        command.envs(&endpoints.variables);
        leftovers.mark(&mut command);
        command.spawn()
    }
}

/// Waits for the command's end, and passes signals on to it. Returns the exit code.
async fn ended(mut child: Child, signals: &mut Signals) -> io::Result<u8> {
    loop {
        tokio::select! {
            status = child.wait() => return Ok(code(status?)),
            signal = signals.next() => {
                // A terminal sends its Ctrl-C to the command itself: both are of its
                // foreground group.
                let from_terminal = signal == Signal::SIGINT && has_terminal();
                let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
                if let Some(pid) = pid.filter(|_| !from_terminal) {
                    // It may have ended by itself.
                    let _ = kill(Pid::from_raw(pid), signal);
                }
            }
        }
    }
}

fn has_terminal() -> bool {
    io::stdin().is_terminal() || io::stdout().is_terminal() || io::stderr().is_terminal()
}

fn code(status: ExitStatus) -> u8 {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    code.unwrap_or_else(|| code_of(status.signal().unwrap_or(1)))
}

fn code_of(signal: i32) -> u8 {
    u8::try_from(128 + signal).unwrap_or(u8::MAX)
}
