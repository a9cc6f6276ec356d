//! The command line, and what its exit codes mean.

use std::{fmt, io::IsTerminal, process::ExitCode};

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::commands::{
    aws::Aws, cache::CacheCommand, doctor::Doctor, e2e::E2e, event_source::EventSource,
    failures::Failures, faults::Faults, lambda::Lambda, provision::Provision,
    status::StatusCommand, up::Up,
};

/// Kinesis → Lambda → cache-aside on this machine, without account, network or
/// Docker.
#[derive(Debug, Parser)]
#[command(
    name = "local",
    version,
    after_help = "\
Exit codes: 0 done, 1 ran and the check failed, 2 bad arguments or configuration,
130 interrupted.

Start here:
  cargo local e2e    the whole pipeline once, every record checked
  cargo local up     everything, until Ctrl-C"
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,

    /// Say more on stderr: -v debug, -vv everything; `RUST_LOG` does the same
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    verbose: u8,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start everything the template describes, until Ctrl-C
    Up(Up),
    /// Run the whole pipeline once, check every record, and report
    E2e(Box<E2e>),
    /// Create what the template names, at any AWS endpoint
    Provision(Provision),
    /// Serve the AWS APIs on one port: Kinesis, DynamoDB, SSM
    Aws(Aws),
    /// Run one bootstrap behind the Lambda Invoke API
    Lambda(Lambda),
    /// Feed any invoke URL from a Kinesis stream
    EventSource(EventSource),
    /// Show what the event source mappings of a running `local up` do
    Status(StatusCommand),
    /// Look at the batches that were discarded, and deliver them again
    Failures(Failures),
    /// Serve Momento's cache alone
    Cache(CacheCommand),
    /// Have a running cache fail on purpose
    Faults(Faults),
    /// Say what this machine has, and what each missing piece would enable
    Doctor(Doctor),
}

/// Why a command failed.
#[derive(Debug)]
pub enum Failure {
    /// Bad arguments or configuration; nothing was done.
    Configuration(anyhow::Error),
    /// It ran and failed.
    Run(anyhow::Error),
}

/// What a command comes to.
pub type Outcome = Result<ExitCode, Failure>;

impl Failure {
    /// A failure of arguments or configuration.
    pub fn configuration(error: impl Into<anyhow::Error>) -> Self {
        Self::Configuration(error.into())
    }

    /// A failure on the way.
    pub fn run(error: impl Into<anyhow::Error>) -> Self {
        Self::Run(error.into())
    }

    /// The process's exit code.
    #[must_use]
    pub fn code(&self) -> ExitCode {
        match self {
            Self::Configuration(_) => ExitCode::from(2),
            Self::Run(_) => ExitCode::FAILURE,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Configuration(error) | Self::Run(error)) = self;
        write!(f, "{error:#}")
    }
}

/// Exit code after Ctrl-C: 128 + SIGINT, as shells have it.
pub const INTERRUPTED: u8 = 130;

impl Cli {
    /// Runs the command.
    ///
    /// # Errors
    ///
    /// Whatever kept it from being done, with its exit code.
    pub async fn run(self) -> Outcome {
        log_to_stderr(self.verbose);
        match self.command {
            Command::Up(command) => command.run().await,
            Command::E2e(command) => command.run().await,
            Command::Provision(command) => command.run().await,
            Command::Aws(command) => command.run().await,
            Command::Lambda(command) => command.run().await,
            Command::EventSource(command) => command.run().await,
            Command::Status(command) => command.run().await,
            Command::Failures(command) => command.run().await,
            Command::Cache(command) => command.run().await,
            Command::Faults(command) => command.run().await,
            Command::Doctor(command) => command.run().await,
        }
    }
}

fn log_to_stderr(verbose: u8) {
    let default = match verbose {
        0 => "warn",
        1 => "warn,local=debug",
        _ => "debug",
    };
    let filter = EnvFilter::try_from_default_env()
        .ok()
        .filter(|_| verbose == 0 && std::env::var_os("RUST_LOG").is_some())
        .unwrap_or_else(|| EnvFilter::new(default));
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_ansi(colour)
        .with_writer(std::io::stderr)
        .init();
}

/// Done at the first Ctrl-C or SIGTERM; a second one exits at once.
pub async fn interrupted() {
    wait_for_signal().await;
    eprintln!("stopping: what is under way is finished; Ctrl-C again to exit at once");
    tokio::spawn(async {
        wait_for_signal().await;
        std::process::exit(INTERRUPTED.into());
    });
}

/// Done at Ctrl-C or SIGTERM.
pub async fn wait_for_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminated) = signal(SignalKind::terminate()) else {
        // Without a handler SIGTERM ends the process by itself.
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated.recv() => {}
    }
}
