//! `klocal event-source`: Kinesis and SQS at any endpoint, to any invoke URL.

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use anyhow::anyhow;
use axum::Router;
use clap::Args;
use event_source_mapping::{
    http_target::HttpTarget,
    observer::NoObserver,
    poll_trigger::{PollTrigger, Polling},
    sqs_queue::SqsQueue,
    target::Target,
};
use lambda_host::{Functions, function_arn};
use loopback_client::sdk_config;

use super::args::{EndpointArgs, HostArgs, InvokeArgs, RetryArgs, TemplateArgs};
use crate::{
    events::{EventBus, Observers, stream},
    guard::{Guard, Protocol},
    mappings::{
        Mappings,
        definition::{Definition, Options},
        registry::{Connections, MappedFunctions, Registry},
    },
    outcome::{Failure, Outcome},
    page::{PAGE_PATH, Page, Shown},
    ports,
    project::Project,
    server::Server,
    signals::Signals,
    status_board::{STATUS_PATH, StatusBoard},
};

/// Run the template's event source mappings against any Kinesis and SQS endpoint and
/// any invoke URL: LocalStack and AWS's Runtime Interface Emulator, for example.
#[derive(Debug, Args)]
pub struct EventSource {
    #[command(flatten)]
    template: TemplateArgs,

    #[command(flatten)]
    endpoint: EndpointArgs,

    #[command(flatten)]
    invoke: InvokeArgs,

    /// Concurrent invocations at each address of the URL's host; AWS's emulator crashes at
    /// a second one
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000))]
    concurrency: u16,

    /// The folder for the invocation records of discarded batches
    #[arg(long, value_name = "DIR", default_value = ".local/failures")]
    failures: PathBuf,

    /// Keep checkpoints in this folder and resume from them; without it, every start
    /// begins at the starting position
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,

    #[command(flatten)]
    retry: RetryArgs,

    #[command(flatten)]
    host: HostArgs,

    /// Serve the page and `GET /_local/status` on this port, for a browser and `klocal
    /// status --url`; 0: any free one
    #[arg(long, value_name = "PORT")]
    status_port: Option<u16>,
}

/// One invoke URL for every function, and streams that are polled.
struct OverHttp {
    target: HttpTarget,
    region: String,
}

impl Connections for OverHttp {
    fn target(&self, function: &str) -> Option<Arc<dyn Target>> {
        let arn = function_arn(&self.region, function);
        Some(Arc::new(self.target.clone().with_arn(arn)))
    }

    fn poll_trigger(&self, _stream: &str) -> Arc<dyn PollTrigger> {
        Arc::new(Polling::default())
    }
}

impl EventSource {
    /// Runs until it is interrupted.
    ///
    /// # Errors
    ///
    /// The template cannot be read, or has no mapping.
    pub async fn run(self) -> Outcome {
        let Project {
            environment,
            template,
            ..
        } = self.template.read()?;
        let board = StatusBoard::default();
        let signals = Signals::listen().map_err(Failure::configuration)?;
        let bus = EventBus::default();
        let page = Page::new(bus.clone());
        let served = self.serve(&board, &page, &bus).await?;
        let sdk = sdk_config(&self.endpoint.endpoint_url, &self.template.region);
        let client = aws_sdk_kinesis::Client::new(&sdk);
        let target = HttpTarget::new(self.invoke.invoke_url.clone(), self.concurrency.into());
        // `klocal failures` finds it from any folder.
        let failures = std::path::absolute(&self.failures).map_err(Failure::configuration)?;
        let names = MappedFunctions::default();
        let observers = Observers::new(bus.clone(), names.clone(), Arc::new(NoObserver));
        let mappings = Mappings::new(client, &self.template.region, &failures)
            .watched_by(Arc::new(observers))
            .with_queues_at(&sdk)
            .backoff(self.retry.retry_wait)
            .checkpoints_in(self.data_dir.as_deref());
        let region = &self.template.region;
        let mut definitions = Definition::all(&environment, region);
        definitions.retain(|definition| definition.options.enabled());
        if definitions.is_empty() {
            return Err(Failure::configuration(anyhow!(
                "{} has no enabled event source mapping",
                template.display()
            )));
        }
        let mut told = Vec::new();
        for definition in &definitions {
            eprintln!("{} → {}", definition.source(), self.invoke.invoke_url);
            if let Options::Stream(settings) = &definition.options {
                told.extend(mappings.destination_queue(settings));
            }
        }
        let connections = OverHttp {
            target,
            region: region.clone(),
        };
        // Nothing here changes the mappings: there is nothing to keep.
        let running = Registry::new(mappings, connections, None).naming(names);
        let started = running.start(definitions);
        started.map_err(Failure::configuration)?;
        for queue in &told {
            eprintln!("{}", self.discarded(queue).await);
        }
        board.show(&running, None, &failures, (None, Vec::new()));
        page.show(Shown {
            region: region.clone(),
            aws_url: None,
            lambda_url: None,
            cache_kind: "none",
            cache: None,
            functions: Functions::default(),
            mappings: running.clone(),
            failures,
            engine: None,
            sdk,
        });
        signals.interrupted().await;
        drop(served);
        running.stop().await;
        Ok(ExitCode::SUCCESS)
    }

    /// Opens the port of the status, if there is to be one.
    async fn serve(
        &self,
        board: &StatusBoard,
        page: &Page,
        bus: &EventBus,
    ) -> Result<Option<Server>, Failure> {
        let Some(port) = self.status_port else {
            return Ok(None);
        };
        let listener = ports::listen(self.host.host, port, "--status-port").await;
        let listener = listener.map_err(Failure::configuration)?;
        let guard = Guard::new(Protocol::Lambda, &self.host.allowed());
        let router = board.clone().router().merge(stream::router(bus.clone()));
        let router = router.merge(page.router(Router::new()));
        let server = Server::start(listener, router, guard);
        let server = server.map_err(Failure::run)?;
        eprintln!("status at {}{STATUS_PATH}", server.url());
        eprintln!("page at {}{PAGE_PATH}", server.url());
        Ok(Some(server))
    }

    /// Where what is discarded goes.
    async fn discarded(&self, queue: &SqsQueue) -> String {
        let folder = self.failures.display();
        match queue.url().await {
            Ok(url) => format!("discarded batches → {folder}, {url}"),
            Err(error) => format!("discarded batches → {folder}; not to {error}"),
        }
    }
}
