//! `klocal failures`: lists, shows and redrives discarded batches.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, anyhow};
use aws_wire::DEFAULT_REGION;
use clap::{Args, Subcommand};
use event_source_mapping::{
    destination::FailureFolder,
    http_target::HttpTarget,
    redrive::{self, BatchInfo},
    sdk_source::SdkSource,
};
use serde_json::Value;

use super::{
    args::{EndpointArgs, INVOKE_API},
    status, table,
};
use crate::{
    outcome::{Failure, Outcome},
    provision::sdk_config,
};

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

    /// The Invoke API of the running `klocal up`
    #[arg(
        long,
        env = "LOCAL_URL",
        value_name = "URL",
        default_value = INVOKE_API,
        global = true
    )]
    url: String,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print a line for each batch, the oldest first
    List,
    /// Print a batch's invocation record
    Show {
        /// The batch's id, from `failures list`
        id: String,
    },
    /// Read a batch's records from the stream and invoke the function with them
    Redrive(Redrive),
}

#[derive(Debug, Args)]
struct Redrive {
    /// The batch's id, from `failures list`
    id: String,

    #[command(flatten)]
    endpoint: EndpointArgs,

    /// Where the function is invoked [default: the function that the batch's invocation
    /// record names, at --url]
    #[arg(long, env = "INVOKE_URL", value_name = "URL")]
    invoke_url: Option<reqwest::Url>,

    /// The stream's region
    #[arg(long, env = "AWS_REGION", value_name = "REGION", default_value = DEFAULT_REGION)]
    region: String,
}

impl Failures {
    /// Runs the subcommand and prints its result.
    ///
    /// # Errors
    ///
    /// There is no such batch, or its records cannot be delivered.
    pub async fn run(self) -> Outcome {
        let folder = FailureFolder::new(&self.folder().await?);
        match self.action {
            Action::List => {
                let all = folder.list().await.map_err(Failure::run)?;
                print!("{}", table::render(&rows(&all)));
            }
            Action::Show { id } => {
                let document = find(&folder, &id).await?;
                let text = serde_json::to_string_pretty(&document).map_err(Failure::run)?;
                println!("{text}");
            }
            Action::Redrive(redrive) => redrive.run(&folder, &self.url).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Failures {
    /// The folder of the invocation records.
    async fn folder(&self) -> Result<PathBuf, Failure> {
        if let Some(folder) = &self.failures {
            if folder.is_dir() {
                return Ok(folder.clone());
            }
            return Err(Failure::configuration(anyhow!(
                "there is no folder {}\nhint: leave out `--failures` to ask the running `klocal up`, or name DIR/failures of its `--data-dir DIR`, which exists once a batch was discarded",
                folder.display()
            )));
        }
        let running = status::ask(&self.url).await;
        if let Ok(Some(folder)) = running.map(|status| status.failures) {
            // Nothing was discarded yet, if it does not exist.
            return Ok(folder);
        }
        let folder = PathBuf::from(DEFAULT_FOLDER);
        if folder.is_dir() {
            return Ok(folder);
        }
        Err(Failure::configuration(anyhow!(
            "no `klocal up` answers at {}, and there is no folder {DEFAULT_FOLDER}\nhint: start `klocal up`, or name another with `--url URL` or `--failures DIR`",
            self.url
        )))
    }
}

impl Redrive {
    async fn run(self, folder: &FailureFolder, url: &str) -> Result<(), Failure> {
        let document = find(folder, &self.id).await?;
        let info = BatchInfo::of(&document).map_err(Failure::configuration)?;
        let sdk = sdk_config(&self.endpoint.endpoint_url, &self.region);
        let source = SdkSource::new(aws_sdk_kinesis::Client::new(&sdk), info.stream());
        let target = HttpTarget::new(self.target(&document, url)?, 1);
        let records = redrive::redrive(&source, &target, &info, &self.region)
            .await
            .map_err(Failure::run)?;
        folder
            .put_aside(&self.id)
            .await
            .context("the records are delivered, but their invocation record cannot be moved to redriven/")
            .map_err(Failure::run)?;
        println!("{records} records delivered");
        Ok(())
    }

    /// Where the batch's function is invoked.
    fn target(&self, document: &Value, url: &str) -> Result<reqwest::Url, Failure> {
        if let Some(url) = &self.invoke_url {
            return Ok(url.clone());
        }
        let function = document.pointer("/requestContext/functionArn");
        let function = function.and_then(Value::as_str).unwrap_or_default();
        // A target whose ARN is unknown is named by its URL.
        let target = match function.strip_prefix("arn:") {
            None => function.to_owned(),
            Some(arn) => {
                let name = arn.rsplit(':').next().unwrap_or_default();
                let url = url.trim_end_matches('/');
                format!("{url}/2015-03-31/functions/{name}/invocations")
            }
        };
        target.parse().map_err(|_| {
            Failure::configuration(anyhow!(
                "batch {} names no function that can be invoked ({function:?})\nhint: name its URL with `--invoke-url URL`",
                self.id
            ))
        })
    }
}

async fn find(folder: &FailureFolder, id: &str) -> Result<Value, Failure> {
    let all = folder.list().await.map_err(Failure::run)?;
    all.into_iter()
        .find(|(name, _)| name == id)
        .map(|(_, document)| document)
        .ok_or_else(|| {
            Failure::configuration(anyhow!(
                "there is no batch {id}\nhint: `klocal failures list` has the ids"
            ))
        })
}

fn rows(all: &[(String, Value)]) -> Vec<[String; 5]> {
    let heading = ["id", "discarded", "condition", "shard", "records"].map(str::to_owned);
    let text = |document: &Value, path: &str| match document.pointer(path) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => "-".to_owned(),
    };
    let rows = all.iter().map(|(id, document)| {
        [
            id.clone(),
            text(document, "/timestamp"),
            text(document, "/requestContext/condition"),
            text(document, "/KinesisBatchInfo/shardId"),
            text(document, "/KinesisBatchInfo/batchSize"),
        ]
    });
    std::iter::once(heading).chain(rows).collect()
}
