//! Everything in one process: the one constructor, for commands and tests alike.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use aws_config::SdkConfig;
use futures_util::future::join_all;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    aws::{
        ACCOUNT_ID, DEFAULT_REGION,
        apis::{self, AwsApis},
        kinesis::{self, arrivals::Arrivals},
    },
    event_source::{
        backoff::Backoff,
        checkpoint::Checkpoints,
        clock,
        destination::FailureFolder,
        mapping::EventSourceMapping,
        observer::{NoObserver, Observer},
        sdk_source::SdkSource,
        shard::Shared,
        status::Status,
        wake::Wake,
    },
    introspection::Board,
    lambda::{
        Function, FunctionConfig, function::Functions, invoke_api, log::LogSink,
        outcome::FunctionError,
    },
    momento::{fake_api_key, keyspace::Keyspace, stub::Stub},
    pipeline::Needs,
    ports::{self, PortError},
    provision::{ProvisionError, Provisioned, Provisioner, sdk_config},
    server::{self, Server},
    template::Environment,
};

/// Environments of a function without `ReservedConcurrentExecutions`.
const DEFAULT_CONCURRENCY: usize = 50;

/// What to start, and where.
pub struct Options {
    /// What the template describes.
    pub environment: Environment,
    /// Each function's executable, by the function's name.
    pub bootstraps: BTreeMap<String, PathBuf>,
    /// The address to listen on.
    pub host: IpAddr,
    /// The ports; 0 is any free one.
    pub ports: Ports,
    /// The region of all ARNs.
    pub region: String,
    /// How Kinesis behaves; region and data folder are taken from here.
    pub kinesis: kinesis::Options,
    /// Where the functions' cache is.
    pub cache: Cache,
    /// State that survives; none is memory.
    pub data_dir: Option<PathBuf>,
    /// Set over every function's environment variables.
    pub variables: BTreeMap<String, String>,
    /// Where the functions' lines go.
    pub log: LogSink,
    /// Who watches the event source mappings.
    pub observer: Arc<dyn Observer>,
    /// Waits between the mappings' tries.
    pub backoff: Backoff,
}

/// The ports; 0 is any free one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ports {
    /// The AWS APIs.
    pub aws: u16,
    /// The Lambda Invoke API.
    pub lambda: u16,
    /// The cache stub.
    pub cache: u16,
}

impl Ports {
    /// Any free ones.
    pub const FREE: Self = Self {
        aws: 0,
        lambda: 0,
        cache: 0,
    };
}

/// Where the functions' cache is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cache {
    /// The stub in this process.
    Stub,
    /// Momento itself, with this API key.
    Momento(ApiKey),
}

impl Cache {
    /// The API key to keep in SSM, and whether it goes over one that is there: a
    /// key that opens nothing never does.
    #[must_use]
    pub fn api_key(&self) -> (String, bool) {
        match self {
            Self::Stub => (fake_api_key(), false),
            Self::Momento(ApiKey(key)) => (key.clone(), true),
        }
    }
}

/// Momento's API key; it does not show in `Debug` output.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(pub String);

impl std::fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ApiKey(hidden)")
    }
}

impl Options {
    /// The embedded environment with the stub, in memory, on free ports.
    #[must_use]
    pub fn new(environment: Environment, bootstraps: BTreeMap<String, PathBuf>) -> Self {
        Self {
            environment,
            bootstraps,
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            ports: Ports::FREE,
            region: DEFAULT_REGION.to_owned(),
            kinesis: kinesis::Options::default(),
            cache: Cache::Stub,
            data_dir: None,
            variables: BTreeMap::new(),
            log: Arc::new(|_| {}),
            observer: Arc::new(NoObserver),
            backoff: Backoff::default(),
        }
    }
}

/// Why it could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A port.
    #[error(transparent)]
    Port(#[from] PortError),
    /// The AWS APIs.
    #[error(transparent)]
    Aws(#[from] apis::OpenError),
    /// The Invoke API.
    #[error("the Invoke API cannot be served: {0}")]
    Invoke(std::io::Error),
    /// A folder for state.
    #[error("the folder {} cannot be used: {reason}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        reason: std::io::Error,
    },
    /// The file of a mapping's checkpoints.
    #[error("the checkpoints of {mapping} cannot be kept: {reason}")]
    Checkpoints {
        /// The mapping.
        mapping: String,
        /// Why.
        reason: std::io::Error,
    },
    /// A resource of the template.
    #[error(transparent)]
    Provision(#[from] ProvisionError),
    /// A function without an executable.
    #[error("function {function} has no bootstrap; name one with --bootstrap PATH")]
    NoBootstrap {
        /// Its name.
        function: String,
    },
    /// A function whose init fails.
    #[error("function {function} does not start: {}", describe(error))]
    Init {
        /// Its name.
        function: String,
        /// What its environment said.
        error: FunctionError,
    },
}

fn describe(error: &FunctionError) -> String {
    let document: Option<serde_json::Value> = serde_json::from_slice(&error.payload).ok();
    document
        .as_ref()
        .and_then(|document| document.get("errorMessage")?.as_str())
        .map_or_else(|| error.text(), str::to_owned)
}

/// A running environment. [`Embedded::shut_down`] ends it in order; dropping it
/// ends it at once.
pub struct Embedded {
    /// The AWS APIs.
    pub aws: AwsApis,
    /// The Invoke API.
    pub lambda: Server,
    /// The cache stub, unless the cache is Momento.
    pub stub: Option<Stub>,
    /// What was created.
    pub provisioned: Vec<Provisioned>,
    /// The functions, by name.
    pub functions: Functions,
    /// How long each part took to start.
    pub timings: Vec<(&'static str, Duration)>,
    mappings: Vec<EventSourceMapping>,
    /// Where state is kept that nobody asked to keep.
    _scratch: Option<TempDir>,
}

impl Embedded {
    /// Starts everything and waits until all of it is ready.
    ///
    /// # Errors
    ///
    /// The first thing that cannot be started; nothing is left running.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let mut clock = Stopwatch::start();
        // All ports first: a taken one is found before anything is running.
        let host = options.host;
        let aws = ports::listen(host, options.ports.aws, "--aws-port").await?;
        let lambda = ports::listen(host, options.ports.lambda, "--lambda-port").await?;
        let cache = ports::listen(host, options.ports.cache, "--cache-port").await?;

        let (data, scratch) = data_folder(options.data_dir.as_deref())?;
        let kept = scratch.is_none().then_some(data.as_path());
        let kinesis = kinesis::Options {
            region: options.region.clone(),
            data_dir: kept.map(Path::to_owned),
            ..options.kinesis.clone()
        };
        let aws = AwsApis::start(aws, kinesis).await?;
        clock.lap("AWS APIs");

        let needs = Needs::of(&options.environment, &options.variables);
        let stub = match options.cache {
            Cache::Stub => Some(cache_stub(cache, &needs).await?),
            Cache::Momento(_) => None,
        };
        clock.lap("cache");

        let sdk = sdk_config(&aws.url(), &options.region);
        let provisioned = provision(&options, &needs, &sdk).await?;
        clock.lap("provision");

        let functions: Functions = Arc::new(functions(&options, &aws.url(), stub.as_ref())?);
        let board = Board::default();
        let router = invoke_api::router(functions.clone()).merge(board.clone().router());
        let lambda = Server::start(lambda, router).map_err(StartError::Invoke)?;
        warm_up(&functions).await?;
        clock.lap("functions");

        let mappings = mappings(&options, &functions, &sdk, &aws.arrivals, &data, kept)?;
        board.show(mappings.iter().map(EventSourceMapping::watch).collect());
        join_all(mappings.iter().map(EventSourceMapping::ready)).await;
        clock.lap("event source mappings");
        Ok(Self {
            aws,
            lambda,
            stub,
            provisioned,
            functions,
            timings: clock.laps,
            mappings,
            _scratch: scratch,
        })
    }

    /// Finishes the invocations under way, ends the functions' processes, then
    /// everything else.
    pub async fn shut_down(self) {
        join_all(self.mappings.into_iter().map(EventSourceMapping::stop)).await;
        join_all(self.functions.values().map(|function| function.shut_down())).await;
        self.lambda.shut_down().await;
        self.aws.shut_down().await;
    }
}

/// The data folder: the one asked for, or one that is gone at the end.
fn data_folder(asked: Option<&Path>) -> Result<(PathBuf, Option<TempDir>), StartError> {
    match asked {
        Some(path) => match std::fs::create_dir_all(path) {
            Ok(()) => Ok((path.to_owned(), None)),
            Err(reason) => Err(StartError::Folder {
                path: path.to_owned(),
                reason,
            }),
        },
        None => match TempDir::with_prefix("local-") {
            Ok(scratch) => Ok((scratch.path().to_owned(), Some(scratch))),
            Err(reason) => Err(StartError::Folder {
                path: std::env::temp_dir(),
                reason,
            }),
        },
    }
}

async fn cache_stub(listener: TcpListener, needs: &Needs) -> Result<Stub, PortError> {
    let address = listener.local_addr();
    let listener = listener.into_std().map_err(|reason| PortError::Other {
        address: address.unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
        flag: "--cache-port",
        reason,
    })?;
    let keyspace = Arc::new(Keyspace::with_caches(needs.caches.clone()));
    Ok(Stub::start(listener, keyspace).await)
}

async fn provision(
    options: &Options,
    needs: &Needs,
    sdk: &SdkConfig,
) -> Result<Vec<Provisioned>, ProvisionError> {
    let (api_key, replace) = options.cache.api_key();
    Provisioner::new(sdk)
        .provision(&options.environment, needs, &api_key, replace)
        .await
}

fn functions(
    options: &Options,
    aws_url: &str,
    stub: Option<&Stub>,
) -> Result<BTreeMap<String, Arc<Function>>, StartError> {
    let mut given = BTreeMap::from([("AWS_ENDPOINT_URL".to_owned(), aws_url.to_owned())]);
    let backend = match stub {
        Some(stub) => {
            given.insert("CACHE_STUB_URL".to_owned(), server::url(stub.address()));
            "stub"
        }
        None => "momento",
    };
    given.insert("CACHE_BACKEND".to_owned(), backend.to_owned());
    given.extend(options.variables.clone());
    let mut functions = BTreeMap::new();
    for function in &options.environment.functions {
        let bootstrap = options.bootstraps.get(&function.name).cloned();
        let mut environment = function.environment.clone();
        environment.extend(given.clone());
        let config = FunctionConfig {
            name: function.name.clone(),
            bootstrap: bootstrap.ok_or_else(|| StartError::NoBootstrap {
                function: function.name.clone(),
            })?,
            handler: function.handler.clone(),
            timeout: function.timeout,
            memory_mb: function.memory_mb,
            environment,
            region: options.region.clone(),
            concurrency: function
                .reserved_concurrency
                .map_or(DEFAULT_CONCURRENCY, |most| most as usize),
        };
        let function = Function::new(config, options.log.clone());
        functions.insert(function.config().name.clone(), Arc::new(function));
    }
    Ok(functions)
}

async fn warm_up(functions: &BTreeMap<String, Arc<Function>>) -> Result<(), StartError> {
    let started = join_all(functions.values().map(|function| async move {
        function.warm_up().await.map_err(|error| StartError::Init {
            function: function.config().name.clone(),
            error,
        })
    }));
    started.await.into_iter().collect()
}

fn mappings(
    options: &Options,
    functions: &Functions,
    sdk: &SdkConfig,
    arrivals: &Arrivals,
    data: &Path,
    kept: Option<&Path>,
) -> Result<Vec<EventSourceMapping>, StartError> {
    let client = aws_sdk_kinesis::Client::new(sdk);
    let enabled = options
        .environment
        .mappings
        .iter()
        .filter(|mapping| mapping.settings.enabled);
    enabled
        // The template's reader has checked that the function is there.
        .filter_map(|mapping| Some((mapping, functions.get(&mapping.function)?)))
        .map(|(mapping, function)| {
            Ok(EventSourceMapping::start(Shared {
                name: mapping.logical_id.clone(),
                settings: mapping.settings.clone(),
                stream_arn: format!(
                    "arn:aws:kinesis:{}:{ACCOUNT_ID}:stream/{}",
                    options.region, mapping.stream
                ),
                region: options.region.clone(),
                source: Arc::new(SdkSource::new(client.clone(), &mapping.stream)),
                target: function.clone(),
                checkpoints: checkpoints(&mapping.logical_id, kept)?,
                observer: options.observer.clone(),
                status: Status::default(),
                failures: Arc::new(FailureFolder::new(&data.join("failures"))),
                wake: Wake::Pushed {
                    arrivals: arrivals.clone(),
                    stream: mapping.stream.clone(),
                },
                backoff: options.backoff,
                clock: clock::system(),
                stop: CancellationToken::new(),
            }))
        })
        .collect()
}

/// A mapping's checkpoints: in the data folder, where there is one.
fn checkpoints(mapping: &str, kept: Option<&Path>) -> Result<Checkpoints, StartError> {
    match kept {
        None => Ok(Checkpoints::default()),
        Some(folder) => {
            Checkpoints::in_folder(folder, mapping).map_err(|reason| StartError::Checkpoints {
                mapping: mapping.to_owned(),
                reason,
            })
        }
    }
}

/// Times of the start's parts.
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
