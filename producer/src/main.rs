//! `producer`: writes records to a Kinesis stream.

use std::process::ExitCode;

use clap::Parser;
use producer::cli::Cli;

#[tokio::main]
async fn main() -> ExitCode {
    match Cli::parse().run().await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
