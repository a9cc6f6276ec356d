//! `klocal`: the command line of the offline development environment.

use std::process::ExitCode;

use clap::Parser;
use local::cli::Cli;
use mimalloc::MiMalloc;

/// Records and events are made on one thread and dropped on another, small and by the thousand:
/// docs/trials.md ("The allocator") has what this one saves.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    match Cli::parse().run().await {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("error: {failure}");
            failure.code()
        }
    }
}
