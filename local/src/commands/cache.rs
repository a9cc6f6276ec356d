//! `local cache`: Momento offline, alone.

use std::process::ExitCode;

use anyhow::anyhow;
use clap::Args;
use momento_offline::transport::{Served, Transport};

use super::args::{HostArgs, ServedCacheArgs};
use crate::{
    cli::{Failure, Outcome, interrupted},
    embedded::Cache,
    ports, server,
};

/// Serve Momento's cache, for any program that uses a Momento SDK or HTTP.
#[derive(Debug, Args)]
pub struct CacheCommand {
    #[command(flatten)]
    host: HostArgs,

    #[command(flatten)]
    cache: ServedCacheArgs,

    /// Port to listen on; 0: any free one
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    port: u16,

    /// A cache that is there from the start; more can be created through the SDK
    #[arg(long = "cache-name", env = "CACHE_NAME", value_name = "NAME", default_values_t = [String::from("sample-a")])]
    names: Vec<String>,
}

impl CacheCommand {
    /// Serves until it is interrupted.
    ///
    /// # Errors
    ///
    /// The port is taken, or the faults cannot be carried out.
    pub async fn run(self) -> Outcome {
        let Cache::Here(options) = self.cache.resolve(Transport::Server)? else {
            return Err(Failure::configuration(anyhow!(
                "Momento itself needs no `local cache`; choose --cache server or --cache stub"
            )));
        };
        let listener = ports::listen(self.host.host, self.port, "--port")
            .await
            .map_err(Failure::configuration)?;
        let served = Served::start(options, listener, self.names.clone())
            .await
            .map_err(Failure::configuration)?;
        eprintln!(
            "Momento {} at {} (gRPC and HTTP, no TLS), caches: {}",
            served.transport().name(),
            server::url(served.address()),
            self.names.join(", ")
        );
        interrupted().await;
        Ok(ExitCode::SUCCESS)
    }
}
