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
use crate::{
    outcome::Failure,
    page::{CHANGE_HEADER, CHANGE_VALUE, RedriveReply, redrive_path},
    status_board::Status,
    terminal::units::count,
};

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
        if let Some(aws) = self.shown_in(folder, document, running) {
            return ask(aws, id).await.map_err(Failure::run);
        }
        let source = self.stream.source(running, &info);
        let target = HttpTarget::new(self.target(id, document, url)?, 1);
        let delivered = redrive::redrive(&source, &target, &info, &self.stream.region)
            .await
            .map_err(Failure::run)?;
        folder
            .put_aside(id)
            .await
            .context("the records are delivered, but their invocation record cannot be moved to redriven/")
            .map_err(Failure::run)?;
        Ok(delivered.len())
    }

    /// The AWS endpoint of the running environment that has the batch, its stream and its
    /// function: it redrives the batch itself, and adds that to the records' journeys.
    fn shown_in<'a>(
        &self,
        folder: &FailureFolder,
        document: &Value,
        running: Option<&'a Status>,
    ) -> Option<&'a str> {
        let running = running?;
        let aws = running.aws.as_deref()?;
        let function = redrive::function_name(document)?;
        let has_function = running.functions.iter().any(|name| name == function);
        let same_stream = self
            .stream
            .endpoint_url
            .as_deref()
            .is_none_or(|url| url == aws);
        let same_folder = running.failures.as_deref() == Some(folder.path());
        let is_own = self.invoke_url.is_none() && same_stream && same_folder && has_function;
        is_own.then_some(aws)
    }

    /// Where the batch's function is invoked.
    fn target(&self, id: &str, document: &Value, url: &str) -> Result<reqwest::Url, Failure> {
        if let Some(url) = &self.invoke_url {
            return Ok(url.clone());
        }
        let function = redrive::function(document);
        let target = match redrive::function_name(document) {
            None => function.to_owned(),
            Some(name) => {
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

/// Has the environment at `aws` redrive a batch. Returns how many records it had.
async fn ask(aws: &str, id: &str) -> anyhow::Result<usize> {
    let url = format!("{}{}", aws.trim_end_matches('/'), redrive_path(id));
    let request = loopback_client::client(&url).post(&url);
    let reply = request.header(CHANGE_HEADER, CHANGE_VALUE).send().await;
    let reply = reply.with_context(|| format!("nothing answers at {url}"))?;
    let refused = !reply.status().is_success();
    let document: Value = reply
        .json()
        .await
        .with_context(|| format!("{url} returned no JSON"))?;
    if refused {
        let message = document["message"].as_str().unwrap_or("it is refused");
        return Err(anyhow!("{message}"));
    }
    let reply: RedriveReply = serde_json::from_value(document)
        .with_context(|| format!("{url} returned no count of records"))?;
    Ok(reply.records)
}
