//! The command line, and what its exit codes mean.

use clap::{Parser, Subcommand};
use event_source_mapping::observer::LOG_TARGET;
use futures_util::future::LocalBoxFuture;
use tracing_subscriber::{EnvFilter, filter::ParseError};

use crate::{
    commands::{
        aws::Aws, cache::CacheCommand, capture::CaptureCommand, clock::ClockCommand,
        completions::Completions, doctor::Doctor, e2e::E2e, event::EventCommand,
        event_source::EventSource, exec::Exec, failures::Failures, faults::Faults, init::Init,
        invoke::Invoke, journey::JourneyCommand, lambda::Lambda, plan::PlanCommand,
        provision::Provision, put::Put, status::StatusCommand, tail::Tail, up::Up, wait::Wait,
    },
    outcome::{Failure, Outcome},
    output::Output,
    terminal::Screen,
};

/// Kinesis → Lambda → cache-aside on this machine, without account, network or
/// Docker.
#[derive(Debug, Parser)]
#[command(
    name = "klocal",
    version,
    after_help = "\
Exit codes: 0 done, 1 ran and the check failed, 2 bad arguments or configuration,
130 interrupted.

Start here:
  cargo local e2e    run the whole pipeline once and check every record
  cargo local up     run everything until Ctrl-C"
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,

    /// Log more to stderr: -v for debug, -vv for everything; `RUST_LOG` does the same
    #[arg(short, long, action = clap::ArgAction::Count, global = true, display_order = 900)]
    verbose: u8,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run everything in the template until Ctrl-C
    Up(Up),
    /// Run a command, such as your tests, with everything in the template on free ports
    Exec(Box<Exec>),
    /// Run the whole pipeline once, check every record, and report
    E2e(Box<E2e>),
    /// Write records to a stream of a running `klocal up`, or at any endpoint
    Put(Put),
    /// Read a stream's records, at any endpoint, and print them as JSON lines
    Capture(CaptureCommand),
    /// Create the resources of the template at any AWS endpoint
    Provision(Provision),
    /// Serve the AWS APIs on one port: Kinesis, DynamoDB, SQS, SSM, Logs, STS
    Aws(Aws),
    /// Run one bootstrap behind the Lambda Invoke API
    Lambda(Lambda),
    /// Feed any invoke URL from a Kinesis stream
    EventSource(EventSource),
    /// Show the event source mappings and the cache of a running `klocal up`
    Status(StatusCommand),
    /// Follow the invocations and log lines of a running `klocal up`
    Tail(Tail),
    /// Show what happened to one record of a running `klocal up`, step by step
    Journey(JourneyCommand),
    /// Wait until every record written so far is processed, discarded or filtered out
    Wait(Wait),
    /// Show or move the time of day that a running `klocal up` sees
    Clock(ClockCommand),
    /// Invoke a function of a running `klocal up` and print its response
    Invoke(Invoke),
    /// Print an event document, as Lambda passes it to a function
    Event(EventCommand),
    /// List, show and redrive discarded batches
    Failures(Failures),
    /// Serve Momento offline, alone
    Cache(CacheCommand),
    /// Inject faults into a running cache
    Faults(Faults),
    /// Compute what a load needs in AWS: shards, concurrency, requests, cost
    Plan(PlanCommand),
    /// Write a `local.toml` and sample records beside a template
    Init(Init),
    /// Check this machine: tools, ports, and what each missing one is for
    Doctor(Doctor),
    /// Print the script by which a shell completes commands and flags
    Completions(Completions),
}

impl Cli {
    /// Runs the command.
    ///
    /// Boxed, so that this crate compiles the commands: `main` would compile them once
    /// more.
    ///
    /// # Errors
    ///
    /// Whatever kept it from being done, with its exit code.
    #[must_use]
    pub fn run(self) -> LocalBoxFuture<'static, Outcome> {
        Box::pin(self.run_command())
    }

    async fn run_command(self) -> Outcome {
        log_to_stderr(self.verbose, matches!(self.command, Command::Up(_)))?;
        match self.command {
            Command::Up(command) => command.run().await,
            Command::Exec(command) => command.run().await,
            Command::E2e(command) => Box::pin(command.run()).await,
            Command::Put(command) => command.run().await,
            Command::Capture(command) => command.run().await,
            Command::Provision(command) => command.run().await,
            Command::Aws(command) => command.run().await,
            Command::Lambda(command) => command.run().await,
            Command::EventSource(command) => command.run().await,
            Command::Status(command) => command.run().await,
            Command::Tail(command) => command.run().await,
            Command::Journey(command) => command.run().await,
            Command::Wait(command) => command.run().await,
            Command::Clock(command) => command.run().await,
            Command::Invoke(command) => command.run().await,
            Command::Event(command) => command.run().await,
            Command::Failures(command) => command.run().await,
            Command::Cache(command) => command.run().await,
            Command::Faults(command) => command.run().await,
            Command::Plan(command) => command.run().await,
            Command::Init(command) => command.run(),
            Command::Doctor(command) => command.run().await,
            Command::Completions(command) => command.run().await,
        }
    }
}

/// Sends the tool's own messages to standard error, without ever waiting for it. Those
/// about invocations are left out where the command shows the invocations themselves.
fn log_to_stderr(verbose: u8, shows_invocations: bool) -> Result<(), Failure> {
    let default = match verbose {
        // dynoxide warns of every refusal that its client gets: a table that exists
        // already is one.
        0 => "warn,dynoxide=error",
        1 => {
            "warn,dynoxide=error,local=debug,event_source_mapping=debug,lambda_host=debug,kinesis_engine=debug,momento_offline=debug"
        }
        _ => "debug",
    };
    let filter = match std::env::var("RUST_LOG") {
        Ok(text) if verbose == 0 && !text.is_empty() => {
            text.parse().map_err(|error: ParseError| {
                Failure::configuration(anyhow::anyhow!(
                    "RUST_LOG is {text:?}; expected a filter such as info or local=debug: {error}"
                ))
            })?
        }
        _ if verbose == 0 && shows_invocations => {
            EnvFilter::new(format!("{default},{LOG_TARGET}=error"))
        }
        _ => EnvFilter::new(default),
    };
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_ansi(Screen::stderr().colour)
        .with_writer(Output::stderr())
        .init();
    Ok(())
}
