//! `local cache`: the Momento stub alone.

use std::{process::ExitCode, sync::Arc};

use clap::Args;

use super::args::HostArgs;
use crate::{
    cli::{Failure, Outcome, interrupted},
    momento::{keyspace::Keyspace, stub::Stub},
    ports, server,
};

/// Serve the Momento stub, for any program that uses the Momento SDK.
#[derive(Debug, Args)]
pub struct CacheCommand {
    #[command(flatten)]
    host: HostArgs,

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
    /// The port is taken.
    pub async fn run(self) -> Outcome {
        let listener = ports::listen(self.host.host, self.port, "--port")
            .await
            .map_err(Failure::configuration)?
            .into_std()
            .map_err(Failure::run)?;
        let keyspace = Arc::new(Keyspace::with_caches(self.names.clone()));
        let stub = Stub::start(listener, keyspace).await;
        eprintln!(
            "Momento stub at {} (gRPC, plain HTTP/2), caches: {}",
            server::url(stub.address()),
            self.names.join(", ")
        );
        interrupted().await;
        Ok(ExitCode::SUCCESS)
    }
}
