//! The whole development environment in one process. Commands and tests start it
//! with the same constructor.

mod error;
mod functions;
mod options;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use aws_config::SdkConfig;
use axum::Router;
use durable_files::private;
use futures_util::future::join_all;
use lambda_host::{function::Functions, invoke_api, outcome::FunctionError};
use loopback_client::sdk_config;
use momento_offline::{
    keyspace::Keyspace,
    transport::{CacheOptions, Served},
};
use movable_clock::Clock;
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::{
    adapters::in_process::InProcess,
    aws::{
        apis::{AwsApis, Beside},
        lambda::LambdaApi,
    },
    clock_control,
    events::{EventBus, Observers, StoreObserver, of_streams, stream},
    guard::{Guard, Protocol},
    mappings::{
        Mappings,
        definition::Definition,
        registry::{MappedFunctions, Registry},
    },
    otlp::Exporter,
    page::{Page, Shown},
    ports,
    project::values::Values,
    provision::{Provisioned, Provisioner, memory::Memory},
    server::{self, Server},
    status_board::StatusBoard,
};
pub use error::StartError;
pub use options::{ApiKey, Cache, Options, Ports};

/// The flag that chooses the cache's port for protosocket.
pub const PROTOSOCKET_FLAG: &str = "--cache-protosocket-port";

/// The local cache's options, its listener, and that of protosocket.
type CacheListeners = (CacheOptions, TcpListener, TcpListener);

/// A running development environment. [`Embedded::shut_down`] ends it in order;
/// dropping it ends it at once.
pub struct Embedded {
    /// The AWS APIs.
    pub aws: AwsApis,
    /// The Invoke API.
    pub lambda: Server,
    /// The local cache; `None` with Momento itself or without a cache.
    pub cache: Option<Served>,
    /// The functions' cache: `stub`, `server`, `momento` or `none`.
    pub cache_kind: &'static str,
    /// The resources that were created or found.
    pub provisioned: Vec<Provisioned>,
    /// The functions, by name.
    pub functions: Functions,
    /// The functions whose init failed, with the error. The next invocation repeats
    /// the init.
    pub failed_inits: Vec<(String, FunctionError)>,
    /// Each part's start-up time.
    pub timings: Vec<(&'static str, Duration)>,
    /// Where everything that happens is published.
    pub events: EventBus,
    /// The event source mappings, which Lambda's API can change.
    pub mappings: Registry,
    /// The time of day of streams, mappings and caches, which a test can move.
    pub clock: Clock,
    /// The status of the mappings and the cache, and the wait for them.
    pub status: StatusBoard,
    /// The page, and what it has recorded.
    pub page: Page,
    /// Sends traces and metrics to a collector.
    otlp: Option<Exporter>,
    /// The temporary data folder of a run without `data_dir`.
    _scratch: Option<TempDir>,
}

impl Embedded {
    /// Starts every part and waits until all are ready. A failed init does not stop
    /// the start: [`Embedded::failed_inits`] has it.
    ///
    /// # Errors
    ///
    /// A part cannot start; the parts before it are stopped.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let mut clock = Stopwatch::start();
        // All ports first: a port in use stops the start before anything runs.
        let (aws, lambda, cache) = listen(&options).await?;
        let (data, scratch) = data_folder(&options)?;
        let kept = scratch.is_none().then_some(data.as_path());
        let time = Clock::system();
        let kinesis = kinesis_engine::Options {
            clock: time.clone(),
            observer: of_streams(&options.events),
            region: options.region.clone(),
            data_dir: kept.map(Path::to_owned),
            ..options.kinesis.clone()
        };
        let lambda_api = LambdaApi::default();
        let (board, events) = (StatusBoard::default(), options.events.clone());
        let page = Page::new(events.clone());
        let shared = shared_routes(&board, &time, &events);
        let beside = Beside {
            lambda: Some(lambda_api.router()),
            page: page.router(shared.clone()),
            store: StoreObserver::new(events.clone()),
        };
        let aws = AwsApis::start_with(aws, kinesis, &options.allowed_hosts, beside).await?;
        clock.lap("AWS APIs");

        let cache = serve_cache(&options, &time, cache).await?;
        clock.lap("cache");
        let values = options.cache.as_ref();
        let values = values.map(|kind| kind.values(cache.as_ref()));
        let values = values.unwrap_or_default();

        let sdk = sdk_config(&aws.url(), &options.region);
        let provisioned = provision(&options, &values, &sdk, kept).await?;
        clock.lap("provision");

        for group in &options.environment.log_groups {
            aws.logs.create_group_for(&group.name, group.retention_days);
        }
        let logs = (&aws.logs, &time);
        let (functions, managed) = functions::build(&options, &data, &aws.url(), &values, logs)?;
        let router = invoke_api::router(functions.clone())
            .merge(lambda_api.management())
            .merge(shared);
        let guard = Guard::new(Protocol::Lambda, &options.allowed_hosts);
        let lambda = Server::start(lambda, router, guard).map_err(StartError::Invoke)?;
        let failed_inits = functions::warm_up(&functions).await;
        clock.lap("functions");

        let exporter = options.otlp.as_ref().map(|to| Exporter::start(to, &page));

        let failures = data.join("failures");
        let registry = registry(&options, &sdk, (&failures, kept), &aws, &functions, &time);
        registry.start(Definition::all(&options.environment, &options.region))?;
        lambda_api.serve(
            functions.clone(),
            managed,
            registry.clone(),
            &options.region,
        );
        let parts = (Some(aws.url()), functions.keys().cloned().collect());
        board.show(&registry, cache.as_ref(), &failures, parts);
        let cache_kind = cache_kind(&options, cache.as_ref());
        page.show(Shown {
            region: options.region.clone(),
            aws_url: Some(aws.url()),
            lambda_url: Some(lambda.url()),
            cache_kind,
            cache: cache.as_ref().map(|cache| shown_cache(cache, &events)),
            functions: functions.clone(),
            mappings: registry.clone(),
            failures,
            engine: Some((aws.reader.clone(), aws.calls.clone())),
            sdk,
        });
        registry.ready().await;
        clock.lap("event source mappings");
        Ok(Self {
            aws,
            lambda,
            cache_kind,
            cache,
            provisioned,
            functions,
            failed_inits,
            timings: clock.laps,
            events,
            mappings: registry,
            clock: time,
            status: board,
            page,
            otlp: exporter,
            _scratch: scratch,
        })
    }

    /// The number of `GetItem` and `BatchGetItem` requests.
    #[must_use]
    pub fn store_reads(&self) -> u64 {
        let of = |operation| self.aws.calls.of("DynamoDB", operation);
        of("GetItem") + of("BatchGetItem")
    }

    /// The number of execution environments that were started.
    #[must_use]
    pub fn cold_starts(&self) -> u64 {
        let functions = self.functions.values();
        functions.map(|function| function.cold_starts()).sum()
    }

    /// Finishes the invocations under way, then ends the functions' processes,
    /// then the servers.
    pub async fn shut_down(self) {
        self.mappings.stop().await;
        join_all(self.functions.values().map(|function| function.shut_down())).await;
        // Replies with events end.
        self.events.close();
        if let Some(exporter) = self.otlp {
            exporter.finish().await;
        }
        self.lambda.shut_down().await;
        self.aws.shut_down().await;
    }
}

/// What both the AWS port and the Invoke API's port serve under `/_local/`.
fn shared_routes(board: &StatusBoard, clock: &Clock, events: &EventBus) -> Router {
    let router = board.clone().router();
    let router = router.merge(clock_control::router(clock.clone()));
    router.merge(stream::router(events.clone()))
}

/// Listens on every port that is wanted: those of the AWS APIs, of the Invoke API and of the
/// cache.
async fn listen(
    options: &Options,
) -> Result<(TcpListener, TcpListener, Option<CacheListeners>), StartError> {
    let host = options.host;
    let aws = ports::listen(host, options.ports.aws, "--aws-port").await?;
    let lambda = ports::listen(host, options.ports.lambda, "--lambda-port").await?;
    let cache = match &options.cache {
        Some(Cache::Here(here)) => {
            let listener = ports::listen(host, options.ports.cache, "--cache-port").await?;
            let port = options.ports.cache_protosocket;
            let protosocket = ports::listen(host, port, PROTOSOCKET_FLAG).await?;
            Some((here.clone(), listener, protosocket))
        }
        Some(Cache::Momento(_)) | None => None,
    };
    Ok((aws, lambda, cache))
}

/// Serves the cache on its two listeners.
async fn serve_cache(
    options: &Options,
    clock: &Clock,
    cache: Option<CacheListeners>,
) -> Result<Option<Served>, StartError> {
    let Some((here, listener, protosocket)) = cache else {
        return Ok(None);
    };
    let here = CacheOptions {
        hosts: options.allowed_hosts.clone(),
        ..here
    };
    let names = options.local.caches.clone().unwrap_or_default();
    let served = Served::start_on(clock.clone(), here, listener, names).await;
    let served = served.and_then(|served| served.also_protosocket(protosocket));
    served.map(Some).map_err(StartError::Cache)
}

fn cache_kind(options: &Options, served: Option<&Served>) -> &'static str {
    match (&options.cache, served) {
        (None, _) => "none",
        (Some(_), Some(served)) => served.transport().name(),
        (Some(_), None) => "momento",
    }
}

/// The cache as a page shows it. From now on its calls are published.
fn shown_cache(served: &Served, events: &EventBus) -> (Arc<Keyspace>, String) {
    let keyspace = served.keyspace().clone();
    keyspace.observe(Arc::new(events.clone()));
    (keyspace, server::url(served.address()))
}

/// The data folder, or a temporary folder.
fn data_folder(options: &Options) -> Result<(PathBuf, Option<TempDir>), StartError> {
    let failed = |path, reason| StartError::Folder { path, reason };
    if let Some(path) = options.data_dir.clone() {
        return match private::folder(&path) {
            Ok(()) => Ok((path, None)),
            Err(reason) => Err(failed(path, reason)),
        };
    }
    let parent = options.scratch_in.clone();
    let parent = parent.unwrap_or_else(std::env::temp_dir);
    match TempDir::with_prefix_in("local-", &parent) {
        Ok(scratch) => Ok((scratch.path().to_owned(), Some(scratch))),
        Err(reason) => Err(failed(parent, reason)),
    }
}

/// Creates the resources, or updates those of an earlier run that was kept in the folder
/// `kept`, where the template changed since.
async fn provision(
    options: &Options,
    values: &Values,
    sdk: &SdkConfig,
    kept: Option<&Path>,
) -> Result<Vec<Provisioned>, StartError> {
    let failed = |reason| StartError::Folder {
        path: kept.map(Path::to_owned).unwrap_or_default(),
        reason,
    };
    let real_key = options.cache.as_ref().is_some_and(Cache::is_momento);
    let seed = options.local.seed(values, real_key);
    let before = kept.map(Memory::read).transpose().map_err(failed)?;
    let provisioner = Provisioner::new(sdk).since(before);
    let mut done = provisioner.provision(&options.environment, &seed).await?;
    for queue in provisioner.queues(&options.environment).await {
        done.push(queue?);
    }
    if let Some(folder) = kept {
        Memory::of(&options.environment)
            .write(folder)
            .map_err(failed)?;
    }
    Ok(done)
}

/// The mappings' registry, without mappings. What they do is published, and told to the
/// observer of the options.
fn registry(
    options: &Options,
    sdk: &SdkConfig,
    (failures, kept): (&Path, Option<&Path>),
    aws: &AwsApis,
    functions: &Functions,
    clock: &Clock,
) -> Registry {
    let names = MappedFunctions::default();
    let next = options.observer.clone();
    let observers = Observers::new(options.events.clone(), names.clone(), next);
    let client = aws_sdk_kinesis::Client::new(sdk);
    let mappings = Mappings::new(client, &options.region, failures)
        .checkpoints_in(kept)
        .watched_by(Arc::new(observers))
        .reading_with(aws.reader.clone())
        .with_queues_at(sdk)
        .receiving_from(aws.sqs.clone())
        .backoff(options.backoff)
        .on_clock(clock.clone());
    let connections = InProcess {
        functions: functions.clone(),
        arrivals: aws.arrivals.clone(),
    };
    Registry::new(mappings, connections, kept).naming(names)
}

/// Measures the start-up time of each part.
struct Stopwatch {
    last: Instant,
    laps: Vec<(&'static str, Duration)>,
}

impl Stopwatch {
    fn start() -> Self {
        Self {
            last: Instant::now(),
            laps: Vec::new(),
        }
    }

    fn lap(&mut self, part: &'static str) {
        self.laps.push((part, self.last.elapsed()));
        self.last = Instant::now();
    }
}
