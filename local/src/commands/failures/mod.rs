//! `klocal failures`: lists, shows and redrives discarded batches.

mod data;
mod redrive;
mod show;

use std::{path::PathBuf, process::ExitCode};

use anyhow::anyhow;
use aws_wire::DEFAULT_REGION;
use clap::{Args, Subcommand};
use event_source_mapping::{
    destination::{FUNCTION_ERROR, FailureFolder},
    redrive::BatchInfo,
    sdk_source::SdkSource,
};
use loopback_client::sdk_config;
use serde_json::Value;

use super::{
    args::{AWS_APIS, running_url},
    status, table,
};
use crate::{
    events::Error,
    outcome::{Failure, Outcome},
    status_board::Status,
    terminal::{Screen, units},
};
use redrive::Redrive;
use show::Show;

/// Where `klocal event-source` keeps invocation records unless `--failures` says
/// otherwise.
const DEFAULT_FOLDER: &str = ".local/failures";

/// List, show and redrive the batches that a mapping discarded.
#[derive(Debug, Args)]
pub struct Failures {
    #[command(subcommand)]
    action: Action,

    /// The folder of the invocation records [default: that of the running `klocal up`,
    /// else .local/failures]
    #[arg(long, value_name = "DIR", global = true)]
    failures: Option<PathBuf>,

    /// The Invoke API of the running `klocal up` [default: that of this project, or the
    /// only one, or port 9000]
    #[arg(long, env = "LOCAL_URL", value_name = "URL", global = true)]
    url: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print a line for each batch, the oldest first
    List,
    /// Show a batch: the function's error, then its records
    Show(Show),
    /// Read a batch's records from the stream and invoke the function with them
    Redrive(Redrive),
}

/// The stream of a batch.
#[derive(Debug, Args)]
struct StreamArgs {
    /// The AWS endpoint [default: that of the running `klocal up`, else port 4566]
    #[arg(long, env = "AWS_ENDPOINT_URL", value_name = "URL")]
    endpoint_url: Option<String>,

    /// The stream's region
    #[arg(long, env = "AWS_REGION", value_name = "REGION", default_value = DEFAULT_REGION)]
    region: String,
}

impl StreamArgs {
    /// The stream of a batch, for reading.
    fn source(&self, running: Option<&Status>, info: &BatchInfo) -> SdkSource {
        let found = running.and_then(|status| status.aws.as_deref());
        let url = self.endpoint_url.as_deref().or(found).unwrap_or(AWS_APIS);
        let sdk = sdk_config(url, &self.region);
        SdkSource::new(aws_sdk_kinesis::Client::new(&sdk), info.stream())
    }
}

impl Failures {
    /// Runs the subcommand and prints its result.
    ///
    /// # Errors
    ///
    /// There is no such batch, or its records cannot be delivered.
    pub async fn run(self) -> Outcome {
        let url = running_url(self.url.clone());
        let running = status::ask(&url).await.ok();
        let folder = FailureFolder::new(&self.folder(&url, running.as_ref())?);
        match self.action {
            Action::List => {
                let all = folder.list().await.map_err(Failure::run)?;
                print!("{}", list(&all, &Screen::stdout()));
            }
            Action::Show(show) => {
                let document = find(&folder, &show.id).await?;
                print!("{}", show.run(&document, running.as_ref()).await?);
            }
            Action::Redrive(redrive) => {
                redrive.run(&folder, &url, running.as_ref()).await?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The folder of the invocation records.
    fn folder(&self, url: &str, running: Option<&Status>) -> Result<PathBuf, Failure> {
        if let Some(folder) = &self.failures {
            if folder.is_dir() {
                return Ok(folder.clone());
            }
            return Err(Failure::configuration(anyhow!(
                "there is no folder {}\nhint: leave out `--failures` to ask the running `klocal up`, or name DIR/failures of its `--data-dir DIR`, which exists once a batch was discarded",
                folder.display()
            )));
        }
        if let Some(folder) = running.and_then(|status| status.failures.clone()) {
            // Nothing was discarded yet, if it does not exist.
            return Ok(folder);
        }
        let folder = PathBuf::from(DEFAULT_FOLDER);
        if folder.is_dir() {
            return Ok(folder);
        }
        Err(Failure::configuration(anyhow!(
            "no `klocal up` answers at {url}, and there is no folder {DEFAULT_FOLDER}\nhint: start `klocal up`, or name another with `--url URL` or `--failures DIR`"
        )))
    }
}

async fn find(folder: &FailureFolder, id: &str) -> Result<Value, Failure> {
    let found = folder.find(id).await.map_err(Failure::run)?;
    found.ok_or_else(|| {
        Failure::configuration(anyhow!(
            "there is no batch {id}\nhint: `klocal failures list` has the ids"
        ))
    })
}

/// A line for each batch. The error is last: a terminal cuts it.
fn list(all: &[(String, Value)], screen: &Screen) -> String {
    if all.is_empty() {
        return "no batch was discarded\n".to_owned();
    }
    let heading = ["id", "discarded", "condition", "shard", "records", "error"];
    let rows = all.iter().map(|(id, document)| {
        let discarded = text(document, "/timestamp");
        [
            id.clone(),
            discarded.get(..19).unwrap_or(&discarded).to_owned(),
            text(document, "/requestContext/condition"),
            units::shard(&text(document, "/KinesisBatchInfo/shardId")).to_owned(),
            text(document, "/KinesisBatchInfo/batchSize"),
            error(document).map_or_else(|| "-".to_owned(), |error| summary(&error)),
        ]
    });
    let rows: Vec<_> = std::iter::once(heading.map(str::to_owned))
        .chain(rows)
        .collect();
    let table = table::render(&rows);
    let Some(width) = screen.width else {
        return table;
    };
    let lines = table.lines();
    // The id stays whole on any terminal.
    let lines = lines.map(|line| console::truncate_str(line, width.max(60), "…") + "\n");
    lines.collect()
}

/// The member of a document at a pointer, as text.
fn text(document: &Value, path: &str) -> String {
    match document.pointer(path) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => "-".to_owned(),
        Some(other) => other.to_string(),
    }
}

/// The function error of the last invocation, if the document has it.
fn error(document: &Value) -> Option<Error> {
    let payload = document.get(FUNCTION_ERROR)?;
    Some(match payload {
        Value::String(text) => Error {
            kind: String::new(),
            message: text.clone(),
        },
        payload => Error::read(payload.to_string().as_bytes()),
    })
}

/// The error's type and the first line of its message.
fn summary(error: &Error) -> String {
    let first = error.message.lines().next().unwrap_or_default();
    let text = match units::named(&error.kind) {
        "" => first.to_owned(),
        kind if first.is_empty() => kind.to_owned(),
        kind => format!("{kind}: {first}"),
    };
    units::printable(&text)
}

#[cfg(test)]
mod tests {
    use super::{Screen, list};
    use serde_json::json;

    #[test]
    fn a_batch_is_a_line_with_the_function_s_error() {
        let document = json!({
            "requestContext": { "condition": "RetryAttemptsExhausted" },
            "timestamp": "2026-01-01T10:00:00.123456Z",
            "KinesisBatchInfo": { "shardId": "shardId-000000000001", "batchSize": 3 },
            "functionErrorPayload": { "errorType": "OrderError", "errorMessage": "no such order\nat line 1" },
        });
        let all = [("7".to_owned(), document)];
        let expected = concat!(
            "  id  discarded            condition               shard  records  error\n",
            "  7   2026-01-01T10:00:00  RetryAttemptsExhausted  1      3        OrderError: no such order\n",
        );
        assert_eq!(list(&all, &Screen::PLAIN), expected);
        assert_eq!(list(&[], &Screen::PLAIN), "no batch was discarded\n");
    }
}
