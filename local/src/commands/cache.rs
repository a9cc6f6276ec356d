//! `klocal cache`: Momento offline, alone.

use std::process::ExitCode;

use anyhow::anyhow;
use aws_wire::DEFAULT_REGION;
use clap::Args;
use momento_offline::transport::{CacheOptions, Served, Transport};

use super::args::{HostArgs, ProtosocketArgs, ServedCacheArgs};
use crate::{
    embedded::{Cache, PROTOSOCKET_FLAG},
    outcome::{Failure, Outcome},
    ports,
    project::{Project, find_template},
    server,
    signals::Signals,
};

/// Serve Momento offline to any program that uses a Momento SDK or HTTP.
#[derive(Debug, Args)]
pub struct CacheCommand {
    #[command(flatten)]
    host: HostArgs,

    #[command(flatten)]
    cache: ServedCacheArgs,

    /// Port to listen on; 0: any free one
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    port: u16,

    #[command(flatten)]
    protosocket: ProtosocketArgs,

    /// A cache that exists from the start [default: those of local.toml, where the
    /// working folder's project has one]; the SDK can create more
    #[arg(long = "cache-name", value_name = "NAME")]
    names: Vec<String>,
}

impl CacheCommand {
    /// Serves until it is interrupted.
    ///
    /// # Errors
    ///
    /// A port is in use, or the transport cannot apply a fault rule.
    pub async fn run(self) -> Outcome {
        let Cache::Here(options) = self.cache.resolve(Transport::Server)? else {
            return Err(Failure::configuration(anyhow!(
                "`klocal cache` does not serve --cache momento\nhint: choose `--cache server` or `--cache stub`"
            )));
        };
        let options = CacheOptions {
            hosts: self.host.allowed(),
            ..options
        };
        let listener = ports::listen(self.host.host, self.port, "--port")
            .await
            .map_err(Failure::configuration)?;
        let port = self.protosocket.cache_protosocket_port;
        let protosocket = ports::listen(self.host.host, port, PROTOSOCKET_FLAG)
            .await
            .map_err(Failure::configuration)?;
        let protosocket_address = protosocket.local_addr().map_err(Failure::configuration)?;
        let names = self.names()?;
        let served = Served::start(options, listener, names.clone())
            .await
            .and_then(|served| served.also_protosocket(protosocket))
            .map_err(Failure::configuration)?;
        let signals = Signals::listen().map_err(Failure::configuration)?;
        eprintln!(
            "Momento {} at {} (gRPC and HTTP, no TLS) and {} (protosocket, plain or TLS), caches: {}",
            served.transport().name(),
            server::url(served.address()),
            server::reached(protosocket_address),
            if names.is_empty() {
                "none yet".to_owned()
            } else {
                names.join(", ")
            }
        );
        signals.interrupted().await;
        Ok(ExitCode::SUCCESS)
    }

    /// The caches to create.
    fn names(&self) -> Result<Vec<String>, Failure> {
        if !self.names.is_empty() {
            return Ok(self.names.clone());
        }
        // A cache runs without a project too.
        let here = std::env::current_dir().map_err(Failure::configuration)?;
        let Ok(template) = find_template(&here) else {
            return Ok(Vec::new());
        };
        let project = Project::in_region(&template, DEFAULT_REGION);
        let project = project.map_err(Failure::configuration)?;
        Ok(project.local.caches.unwrap_or_default())
    }
}
