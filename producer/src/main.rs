//! `producer`: writes records to a Kinesis stream.

use std::process::ExitCode;

use clap::Parser;
use load_generator::{load::LoadError, writer::WriteError};
use producer::cli::Cli;

// One thread sends 150,000 records/s, and leaves the other cores to the system
// under load.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match Cli::parse().run().await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            match error.downcast_ref() {
                Some(LoadError::Write(WriteError::NoStream { .. })) => eprintln!(
                    "hint: create it, or choose another one with --stream (KINESIS_STREAM_NAME)"
                ),
                Some(LoadError::Write(error)) => eprintln!("hint: {}", error.hint()),
                Some(LoadError::Feed(_)) | None => {}
            }
            ExitCode::FAILURE
        }
    }
}
