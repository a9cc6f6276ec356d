//! `producer`: writes records to a Kinesis stream.

use std::process::ExitCode;

use clap::Parser;
use producer::cli::Cli;

// One thread sends 150,000 records/s, and leaves the others to what is loaded.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match Cli::parse().run().await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
