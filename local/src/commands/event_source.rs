//! `local event-source`: Kinesis at any endpoint, to any invoke URL.

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use anyhow::anyhow;
use clap::Args;
use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;

use super::args::TemplateArgs;
use crate::{
    aws::ACCOUNT_ID,
    cli::{Failure, Outcome, interrupted},
    event_source::{
        backoff::Backoff, checkpoint::Checkpoints, destination::FailureFolder,
        http_target::HttpTarget, mapping::EventSourceMapping, observer::NoObserver,
        sdk_source::SdkSource, shard::Shared, wake::Wake,
    },
    provision::sdk_config,
};

/// Run the template's event source mappings against any Kinesis endpoint and
/// any invoke URL: LocalStack and AWS's Runtime Interface Emulator, for example.
#[derive(Debug, Args)]
pub struct EventSource {
    #[command(flatten)]
    template: TemplateArgs,

    /// The Kinesis endpoint
    #[arg(
        long,
        env = "AWS_ENDPOINT_URL",
        value_name = "URL",
        default_value = "http://127.0.0.1:4566"
    )]
    endpoint_url: String,

    /// Where the function is invoked
    #[arg(
        long,
        value_name = "URL",
        default_value = "http://127.0.0.1:9000/2015-03-31/functions/function/invocations"
    )]
    invoke_url: String,

    /// Invocations at once; AWS's emulator crashes at a second one
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000))]
    concurrency: u16,

    /// Where batches that are given up are written down
    #[arg(long, value_name = "DIR", default_value = ".local/failures")]
    failures: PathBuf,
}

impl EventSource {
    /// Runs until it is interrupted.
    ///
    /// # Errors
    ///
    /// The template cannot be read, or has no mapping.
    pub async fn run(self) -> Outcome {
        let environment = self.template.read()?;
        let sdk = sdk_config(&self.endpoint_url, &self.template.region);
        let client = aws_sdk_kinesis::Client::new(&sdk);
        let target = Arc::new(HttpTarget::new(&self.invoke_url, self.concurrency.into()));
        let mappings: Vec<_> = environment
            .mappings
            .iter()
            .filter(|mapping| mapping.settings.enabled)
            .map(|mapping| {
                eprintln!("{} → {}", mapping.stream, self.invoke_url);
                EventSourceMapping::start(Shared {
                    name: mapping.logical_id.clone(),
                    settings: mapping.settings.clone(),
                    stream_arn: format!(
                        "arn:aws:kinesis:{}:{ACCOUNT_ID}:stream/{}",
                        self.template.region, mapping.stream
                    ),
                    region: self.template.region.clone(),
                    source: Arc::new(SdkSource::new(client.clone(), &mapping.stream)),
                    target: target.clone(),
                    checkpoints: Checkpoints::default(),
                    observer: Arc::new(NoObserver),
                    failures: FailureFolder::new(&self.failures),
                    wake: Wake::polled(),
                    backoff: Backoff::default(),
                    stop: CancellationToken::new(),
                })
            })
            .collect();
        if mappings.is_empty() {
            return Err(Failure::configuration(anyhow!(
                "{} has no enabled event source mapping",
                self.template.template.display()
            )));
        }
        interrupted().await;
        join_all(mappings.into_iter().map(EventSourceMapping::stop)).await;
        Ok(ExitCode::SUCCESS)
    }
}
