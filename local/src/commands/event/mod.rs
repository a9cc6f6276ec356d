//! `klocal event`: an event document as Lambda passes it to a function.

mod kinesis;
mod sqs;

use std::{
    io::{self, Write},
    path::Path,
    process::ExitCode,
};

use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::Value;

use crate::outcome::{Failure, Outcome};
use kinesis::Kinesis;
use sqs::Sqs;

/// Print an event document, as Lambda passes it to a function.
#[derive(Debug, Args)]
pub struct EventCommand {
    #[command(subcommand)]
    source: EventOf,
}

#[derive(Debug, Subcommand)]
enum EventOf {
    /// The event of a Kinesis event source mapping, from records as JSON lines
    Kinesis(Kinesis),
    /// The event of an SQS event source mapping, from message bodies as JSON lines
    Sqs(Sqs),
}

impl EventCommand {
    /// Prints the event.
    ///
    /// # Errors
    ///
    /// The records cannot be read, or are not JSON lines.
    #[allow(clippy::unused_async, reason = "commands run alike")]
    pub async fn run(self) -> Outcome {
        let event = match self.source {
            EventOf::Kinesis(kinesis) => kinesis.event()?,
            EventOf::Sqs(sqs) => sqs.event()?,
        };
        let mut stdout = io::stdout().lock();
        stdout
            .write_all(&event)
            .and_then(|()| stdout.write_all(b"\n"))
            .context("writing the event")
            .map_err(Failure::run)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// A line of a file of JSON lines.
struct Line<'a> {
    /// The file and the line's number, for messages.
    at: String,
    text: &'a [u8],
    document: Value,
}

/// The lines of a file that are not empty.
fn documents<'a>(
    file: &Path,
    text: &'a [u8],
) -> impl Iterator<Item = anyhow::Result<Line<'a>>> + use<'a> {
    let file = if file == Path::new("-") {
        "stdin".to_owned()
    } else {
        file.display().to_string()
    };
    let lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let lines = lines.enumerate().filter(|(_, line)| !line.is_empty());
    lines.map(move |(index, text)| {
        let at = format!("{file}:{}", index + 1);
        let document = serde_json::from_slice(text);
        let document = document.with_context(|| format!("{at}: expected a JSON document"))?;
        Ok(Line { at, text, document })
    })
}
