//! `producer`: writes records to a Kinesis stream.

use std::process::ExitCode;

use clap::Parser;
use producer::{cli::Cli, writer::WriteError};

// One thread sends 150,000 records/s, and leaves the other cores to the system
// under load.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match Cli::parse().run().await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            let cause = error.downcast_ref();
            if let Some(hint) = cause.and_then(WriteError::hint) {
                eprintln!("hint: {hint}");
            }
            ExitCode::FAILURE
        }
    }
}
