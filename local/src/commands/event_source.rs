//! `local event-source`: Kinesis at any endpoint, to any invoke URL.

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use anyhow::{Context, anyhow};
use clap::Args;
use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;

use super::args::{EndpointArgs, InvokeArgs, TemplateArgs};
use crate::{
    aws::ACCOUNT_ID,
    cli::{Failure, Outcome, interrupted},
    event_source::{
        backoff::Backoff, checkpoint::Checkpoints, clock, destination::FailureFolder,
        http_target::HttpTarget, mapping::EventSourceMapping, observer::NoObserver,
        sdk_source::SdkSource, shard::Shared, status::Status, wake::Wake,
    },
    provision::sdk_config,
    template::environment::Mapping,
};

/// Run the template's event source mappings against any Kinesis endpoint and
/// any invoke URL: LocalStack and AWS's Runtime Interface Emulator, for example.
#[derive(Debug, Args)]
pub struct EventSource {
    #[command(flatten)]
    template: TemplateArgs,

    #[command(flatten)]
    endpoint: EndpointArgs,

    #[command(flatten)]
    invoke: InvokeArgs,

    /// Invocations at once; AWS's emulator crashes at a second one
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000))]
    concurrency: u16,

    /// Where batches that are given up are written down
    #[arg(long, value_name = "DIR", default_value = ".local/failures")]
    failures: PathBuf,

    /// Keep checkpoints here, and go on from them; without it every start
    /// begins at the mapping's starting position
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

impl EventSource {
    /// Runs until it is interrupted.
    ///
    /// # Errors
    ///
    /// The template cannot be read, or has no mapping.
    pub async fn run(self) -> Outcome {
        let environment = self.template.read()?;
        let sdk = sdk_config(&self.endpoint.endpoint_url, &self.template.region);
        let client = aws_sdk_kinesis::Client::new(&sdk);
        let target = Arc::new(HttpTarget::new(
            &self.invoke.invoke_url,
            self.concurrency.into(),
        ));
        let mappings: Vec<_> = environment
            .mappings
            .iter()
            .filter(|mapping| mapping.settings.enabled)
            .map(|mapping| self.start(mapping, &client, &target))
            .collect::<Result<_, _>>()?;
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

    fn start(
        &self,
        mapping: &Mapping,
        client: &aws_sdk_kinesis::Client,
        target: &Arc<HttpTarget>,
    ) -> Result<EventSourceMapping, Failure> {
        let name = &mapping.logical_id;
        let checkpoints = match &self.data_dir {
            None => Checkpoints::default(),
            Some(folder) => Checkpoints::in_folder(folder, name)
                .with_context(|| format!("the checkpoints of {name} cannot be kept"))
                .map_err(Failure::configuration)?,
        };
        eprintln!("{} → {}", mapping.stream, self.invoke.invoke_url);
        let region = &self.template.region;
        Ok(EventSourceMapping::start(Shared {
            name: name.clone(),
            settings: mapping.settings.clone(),
            stream_arn: format!(
                "arn:aws:kinesis:{region}:{ACCOUNT_ID}:stream/{}",
                mapping.stream
            ),
            region: region.clone(),
            source: Arc::new(SdkSource::new(client.clone(), &mapping.stream)),
            target: target.clone(),
            checkpoints,
            observer: Arc::new(NoObserver),
            status: Status::default(),
            failures: Arc::new(FailureFolder::new(&self.failures)),
            wake: Wake::polled(),
            backoff: Backoff::default(),
            clock: clock::system(),
            stop: CancellationToken::new(),
        }))
    }
}
