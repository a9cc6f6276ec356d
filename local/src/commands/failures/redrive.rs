//! `klocal failures redrive`.

use anyhow::{Context, anyhow};
use clap::Args;
use event_source_mapping::{
    destination::FailureFolder,
    http_target::HttpTarget,
    redrive::{self, BatchInfo},
};
use serde_json::Value;

use super::{StreamArgs, find};
use crate::{outcome::Failure, status_board::Status, terminal::units::count};

/// Which batches, and where their records and their function are.
#[derive(Debug, Args)]
pub(super) struct Redrive {
    /// The batch's id, from `failures list`
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    id: Option<String>,

    /// Redrive every batch, the oldest first; one that fails again stays
    #[arg(long)]
    all: bool,

    #[command(flatten)]
    stream: StreamArgs,

    /// Where the function is invoked [default: the function that the batch's invocation
    /// record names, at --url]
    #[arg(long, env = "INVOKE_URL", value_name = "URL")]
    invoke_url: Option<reqwest::Url>,
}

impl Redrive {
    pub(super) async fn run(
        self,
        folder: &FailureFolder,
        url: &str,
        running: Option<&Status>,
    ) -> Result<(), Failure> {
        if let Some(id) = &self.id {
            let document = find(folder, id).await?;
            let records = self.one(folder, (id, &document), url, running).await?;
            println!("{} delivered", count(records as u64, "record"));
            return Ok(());
        }
        let all = folder.list().await.map_err(Failure::run)?;
        let (mut failed, mut delivered) = (0, 0);
        for (id, document) in &all {
            match self.one(folder, (id, document), url, running).await {
                Ok(records) => {
                    println!("{id}: {} delivered", count(records as u64, "record"));
                    delivered += records;
                }
                Err(failure) => {
                    println!("{id}: {failure}");
                    failed += 1;
                }
            }
        }
        let batches = count((all.len() - failed) as u64, "batch");
        println!("{batches} redriven, {}", count(delivered as u64, "record"));
        if failed > 0 {
            let failed = count(failed as u64, "batch");
            return Err(Failure::run(anyhow!(
                "{failed} not redriven\nhint: `klocal failures show ID` has the error"
            )));
        }
        Ok(())
    }

    /// Redrives a batch. Returns how many records it had.
    async fn one(
        &self,
        folder: &FailureFolder,
        (id, document): (&str, &Value),
        url: &str,
        running: Option<&Status>,
    ) -> Result<usize, Failure> {
        let info = BatchInfo::of(document).map_err(Failure::configuration)?;
        let source = self.stream.source(running, &info);
        let target = HttpTarget::new(self.target(id, document, url)?, 1);
        let records = redrive::redrive(&source, &target, &info, &self.stream.region)
            .await
            .map_err(Failure::run)?;
        folder
            .put_aside(id)
            .await
            .context("the records are delivered, but their invocation record cannot be moved to redriven/")
            .map_err(Failure::run)?;
        Ok(records)
    }

    /// Where the batch's function is invoked.
    fn target(&self, id: &str, document: &Value, url: &str) -> Result<reqwest::Url, Failure> {
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
                "batch {id} names no function that can be invoked ({function:?})\nhint: name its URL with `--invoke-url URL`"
            ))
        })
    }
}
