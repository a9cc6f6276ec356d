//! Arguments that several commands take.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    path::{Path, PathBuf},
    time::Duration,
};

use aws_wire::DEFAULT_REGION;
use clap::{Args, ValueEnum};
use event_source_mapping::backoff::Backoff;
use kinesis_engine::FsyncPolicy;
use lambda_host::function::IDLE_TIMEOUT;
use loopback_server::hosts::AllowedHosts;
use momento_offline::{
    faults::{FaultPlan, FaultRule},
    transport::{CacheOptions, Transport},
};
use sam_template::{Context, Environment};

use crate::{
    bootstraps::{self, Launch, Source},
    embedded::{ApiKey, Cache},
    outcome::Failure,
    project::{self, Project},
    running,
};

/// Which template, and values for its parameters.
#[derive(Debug, Clone, Args)]
pub struct TemplateArgs {
    /// The SAM template [default: template.yaml, .yml or .json in this folder or the
    /// nearest one above it]
    #[arg(long, value_name = "FILE")]
    pub template: Option<PathBuf>,

    /// A value for one of the template's parameters
    #[arg(long = "parameter", value_name = "NAME=VALUE", value_parser = pair)]
    pub parameters: Vec<(String, String)>,

    /// The region of all ARNs
    #[arg(long, env = "AWS_REGION", value_name = "REGION", default_value = DEFAULT_REGION)]
    pub region: String,
}

impl TemplateArgs {
    /// Reads the template and `local.toml` beside it.
    ///
    /// # Errors
    ///
    /// What is wrong with them, and where.
    pub fn read(&self) -> Result<Project, Failure> {
        let template = self.file()?;
        Project::load(&template, &self.context()).map_err(Failure::configuration)
    }

    /// Reads the template, and not the `local.toml` beside it.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and where.
    pub fn read_alone(&self) -> Result<(PathBuf, Environment), Failure> {
        let template = self.file()?;
        let environment = project::read_template(&template, &self.context());
        Ok((template, environment.map_err(Failure::configuration)?))
    }

    fn file(&self) -> Result<PathBuf, Failure> {
        match &self.template {
            Some(template) => Ok(template.clone()),
            None => found_template(),
        }
    }

    fn context(&self) -> Context {
        Context {
            parameters: self.parameters.iter().cloned().collect(),
            ..Context::in_region(&self.region)
        }
    }
}

/// The template of the working folder's project, by a short path where it stands in
/// the folder itself.
fn found_template() -> Result<PathBuf, Failure> {
    let here = std::env::current_dir().map_err(Failure::configuration)?;
    let found = project::find_template(&here).map_err(Failure::configuration)?;
    Ok(found
        .strip_prefix(&here)
        .map_or(found.clone(), PathBuf::from))
}

/// What the functions run.
#[derive(Debug, Clone, Args)]
pub struct BootstrapArgs {
    /// Run this executable instead of what `CodeUri` has; with several functions, repeat
    /// it as FUNCTION=PATH
    #[arg(long = "bootstrap", value_name = "PATH")]
    pub bootstraps: Vec<NamedBootstrap>,

    /// Build with optimisations
    #[arg(long)]
    pub release: bool,
}

impl BootstrapArgs {
    /// Finds or builds what every function runs.
    ///
    /// # Errors
    ///
    /// One is missing, or cannot be built.
    pub async fn resolve(
        &self,
        environment: &Environment,
        template: &Path,
    ) -> Result<BTreeMap<String, Launch>, Failure> {
        let sources = self.sources(environment, template)?;
        bootstraps::launches(&sources, self.release)
            .await
            .map_err(Failure::configuration)
    }

    /// Says where the bootstrap of every function comes from.
    ///
    /// # Errors
    ///
    /// One has none.
    pub fn sources(
        &self,
        environment: &Environment,
        template: &Path,
    ) -> Result<BTreeMap<String, Source>, Failure> {
        let named = self.bootstraps.iter();
        let named = named.map(|NamedBootstrap(name, path)| (name.clone(), path.clone()));
        bootstraps::sources(&environment.functions, &named.collect(), template)
            .map_err(Failure::configuration)
    }
}

/// Which cache there is.
#[derive(Debug, Clone, Args)]
pub struct CacheArgs {
    /// The functions' cache: served locally (stub or server), or Momento with the key in
    /// `MOMENTO_API_KEY` [default: stub for e2e, server otherwise]
    #[arg(long, value_enum)]
    pub cache: Option<CacheChoice>,
}

/// How a cache here behaves.
#[derive(Debug, Clone, Args)]
pub struct ServedCacheArgs {
    #[command(flatten)]
    choice: CacheArgs,

    /// Bytes that each local cache holds before it evicts items
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(1..))]
    pub cache_capacity: Option<u64>,

    /// A fault rule that applies from the start, such as latency=20ms,call=Get; change
    /// rules later with `klocal faults`
    #[arg(long = "fault", value_name = "RULE")]
    pub faults: Vec<FaultRule>,

    /// The seed of random faults
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub fault_seed: u64,
}

/// Where a cache here is served over protosocket.
#[derive(Debug, Clone, Copy, Args)]
pub struct ProtosocketArgs {
    /// Port of the cache for protosocket, the SDK's protocol without HTTP/2; 0: any free
    /// one
    #[arg(long, value_name = "PORT", default_value_t = PROTOSOCKET_PORT)]
    pub cache_protosocket_port: u16,
}

/// The port of protosocket at Momento's service.
pub const PROTOSOCKET_PORT: u16 = 9004;

/// The values of `--cache`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CacheChoice {
    /// In this process, through wiremock: for short runs.
    Stub,
    /// In this process, through tonic: for long runs and any SDK.
    Server,
    /// The service itself.
    Momento,
}

impl CacheArgs {
    /// The cache, with Momento's key from the environment where it is Momento.
    ///
    /// # Errors
    ///
    /// The key is not set.
    pub fn resolve(&self, default: Transport) -> Result<Cache, Failure> {
        let transport = match self.cache {
            None => default,
            Some(CacheChoice::Stub) => Transport::Stub,
            Some(CacheChoice::Server) => Transport::Server,
            Some(CacheChoice::Momento) => {
                return match std::env::var("MOMENTO_API_KEY") {
                    Ok(key) if !key.trim().is_empty() => Ok(Cache::Momento(ApiKey(key))),
                    _ => Err(Failure::configuration(anyhow::anyhow!(
                        "--cache momento needs a Momento API key, and MOMENTO_API_KEY is not set\nhint: set it, or choose a local cache with `--cache server`"
                    ))),
                };
            }
        };
        Ok(Cache::Here(CacheOptions {
            transport,
            ..CacheOptions::default()
        }))
    }
}

impl ServedCacheArgs {
    /// What `--cache` says.
    #[must_use]
    pub fn choice(&self) -> Option<CacheChoice> {
        self.choice.cache
    }

    /// The cache of `project`: none where neither `--cache` nor `local.toml` asks for
    /// one.
    ///
    /// # Errors
    ///
    /// As [`ServedCacheArgs::resolve`], or a flag that needs a cache stands without one.
    pub fn of_project(
        &self,
        project: &Project,
        default: Transport,
    ) -> Result<Option<Cache>, Failure> {
        if self.choice.cache.is_some() || project.local.caches.is_some() {
            return self.resolve(default).map(Some);
        }
        if self.cache_capacity.is_some() || !self.faults.is_empty() {
            return Err(Failure::configuration(anyhow::anyhow!(
                "--cache-capacity and --fault need a cache, and this project has none\nhint: choose one with `--cache server`, or name caches in local.toml: [cache] names = [\"…\"]"
            )));
        }
        Ok(None)
    }

    /// The cache, as the flags describe it.
    ///
    /// # Errors
    ///
    /// Momento's key is not set, or cache flags conflict with `--cache momento`.
    pub fn resolve(&self, default: Transport) -> Result<Cache, Failure> {
        match self.choice.resolve(default)? {
            Cache::Here(options) => Ok(Cache::Here(CacheOptions {
                capacity: self.cache_capacity.unwrap_or(options.capacity),
                faults: FaultPlan {
                    seed: self.fault_seed,
                    rules: self.faults.clone(),
                },
                ..options
            })),
            Cache::Momento(_) if self.cache_capacity.is_some() || !self.faults.is_empty() => {
                Err(Failure::configuration(anyhow::anyhow!(
                    "--cache-capacity and --fault conflict with --cache momento: they are for a local cache\nhint: leave them out, or choose a local cache with `--cache server`"
                )))
            }
            momento @ Cache::Momento(_) => Ok(momento),
        }
    }
}

/// How Kinesis behaves.
#[derive(Debug, Clone, Args)]
pub struct KinesisArgs {
    /// Throttle each shard as AWS does: 1,000 records and 1 MiB written, 5 reads, per
    /// second
    #[arg(long)]
    pub enforce_limits: bool,

    /// Drop the oldest records beyond this many bytes, with a warning
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_memory: Option<u64>,

    /// Milliseconds that a stream stays in CREATING, UPDATING or DELETING
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub transition_delay: u32,

    /// When a put is acknowledged, with --data-dir
    #[arg(long, value_enum, default_value_t = Fsync::Never)]
    pub fsync: Fsync,
}

/// The values of `--fsync`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Fsync {
    /// When the operating system has it: survives kill -9.
    Never,
    /// When the disk has it: survives a power failure.
    Always,
}

impl KinesisArgs {
    /// As the engine takes them.
    #[must_use]
    pub fn options(&self) -> kinesis_engine::Options {
        kinesis_engine::Options {
            enforce_limits: self.enforce_limits,
            max_memory: self.max_memory,
            transition_delay: Duration::from_millis(self.transition_delay.into()),
            fsync: match self.fsync {
                Fsync::Never => FsyncPolicy::Never,
                Fsync::Always => FsyncPolicy::Always,
            },
            ..kinesis_engine::Options::default()
        }
    }
}

/// The address that servers listen on, and the names that clients call it by.
#[derive(Debug, Clone, Args)]
pub struct HostArgs {
    /// The address to listen on
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub host: IpAddr,

    /// A name by which clients call this machine, besides localhost and its
    /// addresses, such as a container's; requests for other names get HTTP 403
    #[arg(long = "allow-host", value_name = "NAME", value_parser = host_name)]
    pub allowed_hosts: Vec<String>,
}

impl HostArgs {
    /// The names, as a server takes them.
    #[must_use]
    pub fn allowed(&self) -> AllowedHosts {
        AllowedHosts::new(self.allowed_hosts.iter().cloned())
    }
}

/// A host's name, without scheme and port.
fn host_name(text: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    if !text.is_empty() && text.chars().all(allowed) {
        Ok(text.to_owned())
    } else {
        Err("expected a name without scheme and port, such as event-source".to_owned())
    }
}

/// How long functions' processes are kept.
#[derive(Debug, Clone, Copy, Args)]
pub struct IdleArgs {
    /// Seconds without an invocation after which an execution environment ends
    #[arg(long, value_name = "S", default_value_t = IDLE_TIMEOUT.as_secs(), value_parser = clap::value_parser!(u64).range(1..))]
    pub idle_timeout: u64,
}

impl IdleArgs {
    /// As a function takes it.
    #[must_use]
    pub fn timeout(self) -> Duration {
        Duration::from_secs(self.idle_timeout)
    }
}

/// How long the event source mappings wait before they retry.
#[derive(Debug, Clone, Copy, Args)]
pub struct RetryArgs {
    /// Waits before a mapping retries, ms: the first, and the longest
    #[arg(long, value_name = "FIRST,LONGEST", default_value = "50,1000", value_parser = waits)]
    pub retry_wait: Backoff,
}

/// `FIRST,LONGEST`, milliseconds.
fn waits(text: &str) -> Result<Backoff, String> {
    let parse = |text: &str| text.trim().parse().map(Duration::from_millis).ok();
    let waits = text.split_once(',');
    let waits = waits.and_then(|(first, longest)| Some((parse(first)?, parse(longest)?)));
    match waits {
        Some((first, longest)) if !first.is_zero() && first <= longest => {
            Ok(Backoff { first, longest })
        }
        _ => Err("expected two numbers of milliseconds, such as 50,1000: the first wait, at least 1, and the longest".to_owned()),
    }
}

/// The values of `--output`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)] // their help would be these names
pub enum Format {
    Text,
    Json,
}

/// The AWS APIs of `klocal up` on their usual port.
pub(super) const AWS_APIS: &str = "http://127.0.0.1:4566";

/// The AWS endpoint that a command talks to.
#[derive(Debug, Clone, Args)]
pub struct EndpointArgs {
    /// The AWS endpoint
    #[arg(
        long,
        env = "AWS_ENDPOINT_URL",
        value_name = "URL",
        default_value = AWS_APIS
    )]
    pub endpoint_url: String,
}

/// The Invoke API of `klocal up` on its usual port.
const INVOKE_API: &str = "http://127.0.0.1:9000";

/// The running environment that a command asks.
#[derive(Debug, Clone, Args)]
pub struct UrlArgs {
    /// The Invoke API of `klocal up`, or the status port of `klocal event-source` [default:
    /// that of the `klocal up` of this project, or the only one, or port 9000]
    #[arg(long, env = "LOCAL_URL", value_name = "URL", global = true)]
    url: Option<String>,
}

impl UrlArgs {
    /// Its URL.
    pub(super) fn url(&self) -> String {
        running_url(self.url.clone())
    }
}

/// `url`, or the Invoke API of the environment that a command without one means.
pub(super) fn running_url(url: Option<String>) -> String {
    url.or_else(running::url)
        .unwrap_or_else(|| INVOKE_API.to_owned())
}

/// The function that a command invokes.
#[derive(Debug, Clone, Args)]
pub struct InvokeArgs {
    /// Where the function is invoked
    #[arg(
        long,
        env = "INVOKE_URL",
        value_name = "URL",
        default_value = "http://127.0.0.1:9000/2015-03-31/functions/function/invocations"
    )]
    pub invoke_url: reqwest::Url,
}

/// `NAME=VALUE`.
///
/// # Errors
///
/// There is no `=`, or no name before it.
pub fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

/// `PATH`, for all functions (the name is then empty), or `FUNCTION=PATH`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedBootstrap(String, PathBuf);

impl From<&str> for NamedBootstrap {
    fn from(text: &str) -> Self {
        match text.split_once('=') {
            // A path may hold a `=` too, but then it has a `/` before it.
            Some((function, path)) if !function.is_empty() && !function.contains('/') => {
                Self(function.to_owned(), PathBuf::from(path))
            }
            _ => Self(String::new(), PathBuf::from(text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::NamedBootstrap;
    use std::path::PathBuf;

    #[test]
    fn a_bootstrap_is_for_all_functions_unless_one_is_named() {
        for (argument, function, path) in [
            ("./bootstrap", "", "./bootstrap"),
            ("orders=./b", "orders", "./b"),
            ("./a=b/bootstrap", "", "./a=b/bootstrap"),
        ] {
            assert_eq!(
                NamedBootstrap::from(argument),
                NamedBootstrap(function.to_owned(), PathBuf::from(path))
            );
        }
    }
}
