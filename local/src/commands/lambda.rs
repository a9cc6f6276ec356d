//! `klocal lambda`: one bootstrap behind the Invoke API.

use std::{collections::BTreeMap, path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use aws_wire::DEFAULT_REGION;
use clap::Args;
use lambda_host::{
    Function, FunctionConfig, LogFormat, function::Functions, invoke_api, log::LogLine,
};

use super::args::{HostArgs, IdleArgs, pair};
use crate::{
    bootstraps,
    guard::{Guard, Protocol},
    outcome::{Failure, Outcome},
    ports,
    server::Server,
    signals::Signals,
};

/// Run one bootstrap behind the Lambda Invoke API, as AWS's Runtime Interface
/// Emulator does. The function gets this process's environment variables.
#[derive(Debug, Args)]
pub struct Lambda {
    #[command(flatten)]
    host: HostArgs,

    /// The function's executable, in any language
    #[arg(long, value_name = "PATH")]
    bootstrap: PathBuf,

    /// The function's name
    #[arg(
        long,
        env = "AWS_LAMBDA_FUNCTION_NAME",
        value_name = "NAME",
        default_value = "function"
    )]
    name: String,

    /// The function's handler, for bootstraps that read `_HANDLER`
    #[arg(
        long,
        env = "_HANDLER",
        value_name = "NAME",
        default_value = "bootstrap"
    )]
    handler: String,

    /// Seconds that an invocation may take
    #[arg(long, env = "AWS_LAMBDA_FUNCTION_TIMEOUT", value_name = "S", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=900))]
    timeout: u32,

    /// Memory in MB: reported to the function, not enforced
    #[arg(
        long,
        env = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        value_name = "MB",
        default_value_t = 256
    )]
    memory: u32,

    /// The most execution environments (processes) at a time
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1000))]
    concurrency: u16,

    #[command(flatten)]
    idle: IdleArgs,

    /// An environment variable for the function, over those of this process
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = pair)]
    variables: Vec<(String, String)>,

    /// Port to listen on; 0: any free one
    #[arg(long, value_name = "PORT", default_value_t = 9000)]
    port: u16,
}

impl Lambda {
    /// Serves until it is interrupted.
    ///
    /// # Errors
    ///
    /// The bootstrap is missing or does not start, or the port is taken.
    pub async fn run(self) -> Outcome {
        let bootstrap = bootstraps::executable(&self.bootstrap).map_err(Failure::configuration)?;
        let listener = ports::listen(self.host.host, self.port, "--port")
            .await
            .map_err(Failure::configuration)?;
        let mut environment: BTreeMap<_, _> = std::env::vars().collect();
        environment.extend(self.variables);
        // Another emulator's address would lead the function away from this one.
        environment.remove("AWS_LAMBDA_RUNTIME_API");
        loopback_client::bypass_proxies(&mut environment);
        let config = FunctionConfig {
            name: self.name.clone(),
            bootstrap: bootstrap.into(),
            handler: self.handler,
            timeout: Duration::from_secs(self.timeout.into()),
            memory_mb: self.memory,
            region: environment
                .get("AWS_REGION")
                .cloned()
                .unwrap_or_else(|| DEFAULT_REGION.to_owned()),
            environment,
            concurrency: self.concurrency.into(),
            idle_timeout: self.idle.timeout(),
            log_group: None,
            log_format: LogFormat::Text,
            sampled: false,
        };
        let log = Arc::new(|line: LogLine| println!("{} | {}", line.function, line.text));
        let function = Arc::new(Function::new(config, log));
        let functions: Functions = Arc::new([(self.name.clone(), function.clone())].into());
        let guard = Guard::new(Protocol::Lambda, &self.host.allowed());
        let server =
            Server::start(listener, invoke_api::router(functions), guard).map_err(Failure::run)?;
        let signals = Signals::listen().map_err(Failure::configuration)?;
        eprintln!(
            "invoke with: curl -d '{{}}' {}/2015-03-31/functions/{}/invocations",
            server.url(),
            self.name
        );
        signals.interrupted().await;
        function.shut_down().await;
        server.shut_down().await;
        Ok(ExitCode::SUCCESS)
    }
}
