//! The template's functions, with the environment variables of the local run.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use futures_util::future::join_all;
use lambda_host::{
    Function, FunctionConfig, Functions, LogFormat, LogStreams, outcome::FunctionError,
};
use logs_engine::Logs;
use loopback_client::bypass_proxies;
use movable_clock::Clock;

use super::{Options, StartError};
use crate::{
    aws::{
        lambda::{Managed, UNRESERVED_CONCURRENCY},
        logs::FunctionLogs,
    },
    project::values::Values,
};

/// The functions, and what Lambda's API tells of each. A runtime's file that one of them
/// needs is written into `folder`. Their log groups are made in `logs`.
pub(super) fn build(
    options: &Options,
    folder: &Path,
    aws_url: &str,
    values: &Values,
    (logs, clock): (&Logs, &Clock),
) -> Result<(Functions, BTreeMap<String, Managed>), StartError> {
    let (mut functions, mut managed) = (BTreeMap::new(), BTreeMap::new());
    let streams: Arc<dyn LogStreams> = Arc::new(FunctionLogs::new(logs, clock));
    for function in &options.environment.functions {
        let launch = options.bootstraps.get(&function.name);
        let launch = launch.ok_or_else(|| StartError::NoBootstrap {
            function: function.name.clone(),
        })?;
        let bootstrap = launch
            .prepare(folder)
            .map_err(|reason| StartError::Folder {
                path: folder.to_owned(),
                reason,
            })?;
        let mut own = BTreeMap::from([("AWS_ENDPOINT_URL".to_owned(), aws_url.to_owned())]);
        own.extend(options.local.variables(&function.name, values));
        own.extend(options.variables.clone());
        let mut environment = function.environment.clone();
        environment.extend(own.clone());
        bypass_proxies(&mut environment);
        let config = FunctionConfig {
            name: function.name.clone(),
            bootstrap,
            handler: function.handler.clone(),
            timeout: function.timeout,
            memory_mb: function.memory_mb,
            environment,
            region: options.region.clone(),
            concurrency: function
                .reserved_concurrency
                .map_or(UNRESERVED_CONCURRENCY, |most| most as usize),
            idle_timeout: options.idle_timeout,
            log_group: function.logging.group.clone(),
            log_format: if function.logging.json {
                LogFormat::Json
            } else {
                LogFormat::Text
            },
            // A function with an SDK of its own joins the traces that are exported.
            sampled: options.otlp.is_some(),
        };
        let about = Managed::new(function.runtime.clone(), function.reserved_concurrency, own);
        // AWS makes it with the first invocation; here `aws logs tail` can wait for that.
        logs.create_group(&config.log_group());
        let log = options.events.sink(options.log.clone());
        let function = Function::new(config, log)
            .observed_by(Arc::new(options.events.clone()))
            .kept_in(streams.clone());
        let name = function.config().name.clone();
        managed.insert(name.clone(), about);
        functions.insert(name, Arc::new(function));
    }
    Ok((Arc::new(functions), managed))
}

/// Starts an execution environment of each function. Returns the failed inits.
pub(super) async fn warm_up(functions: &Functions) -> Vec<(String, FunctionError)> {
    let started = join_all(functions.iter().map(|(name, function)| async move {
        let started = function.warm_up().await;
        started.err().map(|error| (name.clone(), error))
    }));
    started.await.into_iter().flatten().collect()
}
