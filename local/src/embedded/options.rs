//! The options of a development environment: what to start, where, and with which
//! cache.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use aws_wire::DEFAULT_REGION;
use event_source_mapping::{
    backoff::Backoff,
    observer::{NoObserver, Observer},
};
use lambda_host::{function::IDLE_TIMEOUT, log::LogSink};
use loopback_server::hosts::AllowedHosts;
use momento_offline::{
    fake_api_key,
    transport::{CacheOptions, Served},
};
use sam_template::Environment;

use crate::{
    bootstraps::Launch,
    events::EventBus,
    otlp::Collector,
    project::{LocalToml, Project, values::Values},
    server,
};

/// What to start, and where.
pub struct Options {
    /// The template's resources.
    pub environment: Environment,
    /// The contents of `local.toml`.
    pub local: LocalToml,
    /// What each function runs, by the function's name.
    pub bootstraps: BTreeMap<String, Launch>,
    /// The address to listen on.
    pub host: IpAddr,
    /// Names that clients may call this machine by, besides `localhost`.
    pub allowed_hosts: AllowedHosts,
    /// The ports; 0 is any free port.
    pub ports: Ports,
    /// The region in all ARNs.
    pub region: String,
    /// How Kinesis behaves; `region` and `data_dir` below override its own.
    pub kinesis: kinesis_engine::Options,
    /// The functions' cache; `None` for functions without a cache.
    pub cache: Option<Cache>,
    /// The folder that keeps state after the run; `None` keeps it in memory.
    pub data_dir: Option<PathBuf>,
    /// The folder for the temporary folder of a run without `data_dir`; `None` is the
    /// system's.
    pub scratch_in: Option<PathBuf>,
    /// Environment variables of every function; they override all others.
    pub variables: BTreeMap<String, String>,
    /// Receives the functions' log lines.
    pub log: LogSink,
    /// Where everything that happens is published.
    pub events: EventBus,
    /// Observes the event source mappings.
    pub observer: Arc<dyn Observer>,
    /// The back-off between a mapping's attempts.
    pub backoff: Backoff,
    /// How long an execution environment is kept without an invocation.
    pub idle_timeout: Duration,
    /// The OpenTelemetry collector that gets traces and metrics.
    pub otlp: Option<Collector>,
}

/// The ports; 0 is any free port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ports {
    /// The AWS APIs.
    pub aws: u16,
    /// The Lambda Invoke API.
    pub lambda: u16,
    /// The cache, over gRPC and HTTP.
    pub cache: u16,
    /// The cache, over protosocket.
    pub cache_protosocket: u16,
}

impl Ports {
    /// Any free ports.
    pub const FREE: Self = Self {
        aws: 0,
        lambda: 0,
        cache: 0,
        cache_protosocket: 0,
    };
}

/// The functions' cache.
#[derive(Debug, Clone, PartialEq)]
pub enum Cache {
    /// In this process.
    Here(CacheOptions),
    /// Momento's service, with this API key.
    Momento(ApiKey),
}

impl Cache {
    /// The values of `local.toml`'s placeholders with this cache. `served` is the local
    /// cache, once it runs.
    #[must_use]
    pub fn values(&self, served: Option<&Served>) -> Values {
        let (backend, api_key) = match self {
            // For both transports: a function knows an endpoint, not a program.
            Self::Here(_) => ("stub", fake_api_key()),
            Self::Momento(ApiKey(key)) => ("momento", key.clone()),
        };
        Values {
            cache_url: served.map(|served| server::url(served.address())),
            cache_protosocket_url: served
                .and_then(Served::protosocket_address)
                .map(|address| server::reached(address).to_string()),
            cache_backend: Some(backend.to_owned()),
            cache_api_key: Some(api_key),
        }
    }

    /// Whether it is Momento's service, which needs a real API key.
    #[must_use]
    pub fn is_momento(&self) -> bool {
        matches!(self, Self::Momento(_))
    }
}

/// Momento's API key, hidden in `Debug` output.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(pub String);

impl std::fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ApiKey(hidden)")
    }
}

impl Options {
    /// Runs `project` in memory, on free ports, with the stub if it has caches. `bootstraps`
    /// has each function's executable, by the function's name.
    #[must_use]
    pub fn new(project: Project, bootstraps: BTreeMap<String, PathBuf>) -> Self {
        let has_caches = project.local.caches.is_some();
        Self {
            environment: project.environment,
            local: project.local,
            bootstraps: bootstraps
                .into_iter()
                .map(|(function, executable)| (function, executable.into()))
                .collect(),
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            allowed_hosts: AllowedHosts::default(),
            ports: Ports::FREE,
            region: DEFAULT_REGION.to_owned(),
            kinesis: kinesis_engine::Options::default(),
            cache: has_caches.then(|| Cache::Here(CacheOptions::default())),
            data_dir: None,
            scratch_in: None,
            variables: BTreeMap::new(),
            log: Arc::new(|_| {}),
            events: EventBus::default(),
            observer: Arc::new(NoObserver),
            backoff: Backoff::default(),
            idle_timeout: IDLE_TIMEOUT,
            otlp: None,
        }
    }
}
