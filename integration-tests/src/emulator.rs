//! A bootstrap behind an invoke URL: this project's Invoke API, or AWS's emulator.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use aws_wire::DEFAULT_REGION;
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use lambda_host::{Function, FunctionConfig, function::IDLE_TIMEOUT, invoke_api};
use local::{
    adapters::function_target::FunctionTarget,
    guard::{Guard, Protocol},
    ports,
    server::Server,
};
use serde_json::json;
use tokio::process::Command;

use crate::program::{Program, free_port};

/// The functions' timeout: enough for six megabytes on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(4);

/// An event with one record.
#[must_use]
pub fn event(data: &str) -> Bytes {
    let data = BASE64_STANDARD.encode(data);
    let event = json!({ "Records": [{ "kinesis": { "data": data } }] });
    event.to_string().into()
}

/// A function whose execution environments this project runs.
#[must_use]
pub fn function(bootstrap: &Path, variables: &[(&str, &str)]) -> Arc<Function> {
    function_with(bootstrap, variables, IDLE_TIMEOUT)
}

/// The same function, with this idle timeout of its execution environments.
#[must_use]
pub fn function_with(
    bootstrap: &Path,
    variables: &[(&str, &str)],
    idle_timeout: Duration,
) -> Arc<Function> {
    let variables = variables.iter();
    let config = FunctionConfig {
        name: "function".to_owned(),
        bootstrap: bootstrap.into(),
        handler: "function.handler".to_owned(),
        timeout: TIMEOUT,
        memory_mb: 128,
        environment: variables
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        region: DEFAULT_REGION.to_owned(),
        concurrency: 1,
        idle_timeout,
        log_group: None,
        log_format: lambda_host::LogFormat::Text,
        sampled: false,
    };
    Arc::new(Function::new(config, Arc::new(|_| {})))
}

/// The function as the target of a mapping in the same process.
#[must_use]
pub fn target(function: &Arc<Function>) -> Arc<FunctionTarget> {
    Arc::new(FunctionTarget(function.clone()))
}

/// Serves the function through this project's Invoke API.
///
/// # Errors
///
/// No port is free.
pub async fn serve(function: Arc<Function>) -> anyhow::Result<Server> {
    let listener = ports::listen([127, 0, 0, 1].into(), 0, "--port").await?;
    let functions = BTreeMap::from([("function".to_owned(), function)]);
    Ok(Server::start(
        listener,
        invoke_api::router(Arc::new(functions)),
        Guard::new(
            Protocol::Lambda,
            &loopback_server::hosts::AllowedHosts::default(),
        ),
    )?)
}

/// AWS's Runtime Interface Emulator around a bootstrap. Dropping it ends the process.
pub struct Rie {
    program: Program,
    port: u16,
}

impl Rie {
    /// Starts the emulator on free ports of this machine.
    ///
    /// # Errors
    ///
    /// The emulator does not listen.
    pub async fn start(rie: &Path, bootstrap: &Path) -> anyhow::Result<Self> {
        let (port, runtime_api) = (free_port()?, free_port()?);
        let mut command = Command::new(rie);
        // Without both flags it listens on all addresses of the machine.
        command
            .args(["--runtime-interface-emulator-address", &loopback(port)])
            .args(["--runtime-api-address", &loopback(runtime_api)])
            .arg(bootstrap)
            .env("AWS_LAMBDA_FUNCTION_TIMEOUT", TIMEOUT.as_secs().to_string())
            .env("AWS_REGION", DEFAULT_REGION);
        let program = Program::start("RIE", command, port).await?;
        Ok(Self { program, port })
    }

    /// The function's invoke URL.
    #[must_use]
    pub fn url(&self) -> String {
        let address = loopback(self.port);
        format!("http://{address}/2015-03-31/functions/function/invocations")
    }

    /// Whether the emulator still runs.
    pub fn is_running(&mut self) -> bool {
        self.program.is_running()
    }
}

fn loopback(port: u16) -> String {
    format!("127.0.0.1:{port}")
}
