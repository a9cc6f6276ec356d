//! `local failures`: what was discarded, and another chance for it.

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
    args::{EndpointArgs, InvokeArgs},
    table,
};
use crate::{
    outcome::{Failure, Outcome},
    provision::sdk_config,
};

/// Look at the batches that a mapping gave up, and deliver them again.
#[derive(Debug, Args)]
pub struct Failures {
    #[command(subcommand)]
    action: Action,

    /// Where the documents are: DIR/failures with `--data-dir DIR`
    #[arg(
        long,
        value_name = "DIR",
        default_value = ".local/failures",
        global = true
    )]
    failures: PathBuf,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// One line for each batch, the oldest first
    List,
    /// A batch's document
    Show {
        /// Its id, as the list has it
        id: String,
    },
    /// Read a batch's records from the stream and invoke the function with them
    Redrive(Redrive),
}

#[derive(Debug, Args)]
struct Redrive {
    /// The batch's id, as the list has it
    id: String,

    #[command(flatten)]
    endpoint: EndpointArgs,

    #[command(flatten)]
    invoke: InvokeArgs,

    /// The stream's region
    #[arg(long, env = "AWS_REGION", value_name = "REGION", default_value = DEFAULT_REGION)]
    region: String,
}

impl Failures {
    /// Does it and prints.
    ///
    /// # Errors
    ///
    /// There is no such document, or its records cannot be delivered.
    pub async fn run(self) -> Outcome {
        let folder = FailureFolder::new(&self.failures);
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
            Action::Redrive(redrive) => redrive.run(&folder).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Redrive {
    async fn run(self, folder: &FailureFolder) -> Result<(), Failure> {
        let document = find(folder, &self.id).await?;
        let info = BatchInfo::of(&document).map_err(Failure::configuration)?;
        let sdk = sdk_config(&self.endpoint.endpoint_url, &self.region);
        let source = SdkSource::new(aws_sdk_kinesis::Client::new(&sdk), info.stream());
        let target = HttpTarget::new(self.invoke.invoke_url.clone(), 1);
        let records = redrive::redrive(&source, &target, &info, &self.region)
            .await
            .map_err(Failure::run)?;
        folder
            .put_aside(&self.id)
            .await
            .context("the records are delivered; their document cannot be put aside")
            .map_err(Failure::run)?;
        println!("{records} records delivered");
        Ok(())
    }
}

async fn find(folder: &FailureFolder, id: &str) -> Result<Value, Failure> {
    let all = folder.list().await.map_err(Failure::run)?;
    all.into_iter()
        .find(|(name, _)| name == id)
        .map(|(_, document)| document)
        .ok_or_else(|| Failure::configuration(anyhow!("there is no batch {id} in the folder")))
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
