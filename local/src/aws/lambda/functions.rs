//! The operations that read functions.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::Response,
};
use http::Uri;
use lambda_host::{Function, function_arn, invoke_api::named};
use serde_json::json;

use super::{
    LambdaApi, Served,
    configuration::{self, For},
    reply::{LambdaError, Reply, document},
    request::{OK, page},
};

/// Functions of one page of `ListFunctions`.
const PAGE: usize = 50;

/// Concurrent executions of an account (Lambda quotas, the default).
pub(super) const ACCOUNT_CONCURRENCY: u32 = 1000;

impl Served {
    /// The function of this name or ARN.
    pub(super) fn function(&self, name: &str) -> Result<&Arc<Function>, LambdaError> {
        named(&self.functions, name).ok_or_else(|| {
            let arn = match name.strip_prefix("arn:") {
                Some(_) => name.to_owned(),
                None => function_arn(&self.region, name),
            };
            LambdaError::not_found(format!("Function not found: {arn}"))
        })
    }

    /// A function's configuration as a reply.
    pub(super) fn configured(&self, function: &Function) -> Response {
        let config = function.config();
        let configuration = |managed: &mut _| configuration::of(&config, managed, For::One);
        document(OK, self.managed.with(&config.name, configuration))
    }
}

/// `ListFunctions`.
pub(super) async fn list(State(api): State<LambdaApi>, uri: Uri) -> Reply {
    let served = api.served()?;
    let all = served.functions.values().cloned().collect();
    let (functions, next) = page(&uri, all, PAGE, |one: &Arc<Function>| {
        one.config().name.clone()
    })?;
    let functions: Vec<_> = functions
        .iter()
        .map(|function| {
            let config = function.config();
            let managed = &served.managed;
            managed.with(&config.name, |one| {
                configuration::of(&config, one, For::List)
            })
        })
        .collect();
    let mut reply = json!({ "Functions": functions });
    if let Some(next) = next {
        reply["NextMarker"] = json!(next);
    }
    Ok(document(OK, reply))
}

/// `ListVersionsByFunction`: every function has the version `$LATEST`.
pub(super) async fn versions(State(api): State<LambdaApi>, Path(name): Path<String>) -> Reply {
    let served = api.served()?;
    let config = served.function(&name)?.config();
    let version = |managed: &mut _| configuration::of(&config, managed, For::List);
    let mut version = served.managed.with(&config.name, version);
    version.insert(
        "FunctionArn".to_owned(),
        json!(format!("{}:$LATEST", config.arn())),
    );
    Ok(document(OK, json!({ "Versions": [version] })))
}

/// `GetFunction`. `Code` has the executable's path in place of a package's URL.
pub(super) async fn get(State(api): State<LambdaApi>, Path(name): Path<String>) -> Reply {
    let served = api.served()?;
    let config = served.function(&name)?.config();
    let (configuration, reserved) = served.managed.with(&config.name, |managed| {
        let configuration = configuration::of(&config, managed, For::One);
        (configuration, managed.reserved)
    });
    let mut reply = json!({
        "Configuration": configuration,
        "Code": {
            "RepositoryType": "local",
            "Location": format!("file://{}", config.bootstrap.program.display()),
        },
        "Tags": {},
    });
    if let Some(reserved) = reserved {
        reply["Concurrency"] = json!({ "ReservedConcurrentExecutions": reserved });
    }
    Ok(document(OK, reply))
}

/// `GetFunctionConfiguration`.
pub(super) async fn configuration(State(api): State<LambdaApi>, Path(name): Path<String>) -> Reply {
    let served = api.served()?;
    Ok(served.configured(served.function(&name)?))
}

/// `GetFunctionConcurrency`.
pub(super) async fn concurrency(State(api): State<LambdaApi>, Path(name): Path<String>) -> Reply {
    let served = api.served()?;
    let config = served.function(&name)?.config();
    let reserved = served
        .managed
        .with(&config.name, |managed| managed.reserved);
    Ok(document(
        OK,
        match reserved {
            Some(reserved) => json!({ "ReservedConcurrentExecutions": reserved }),
            None => json!({}),
        },
    ))
}

/// `ListTags`, of a function or a mapping.
pub(super) async fn tags(State(api): State<LambdaApi>, Path(resource): Path<String>) -> Reply {
    let served = api.served()?;
    if let Some((_, uuid)) = resource.split_once(":event-source-mapping:") {
        let found = uuid.parse().ok().and_then(|uuid| served.registry.get(uuid));
        let found = found
            .ok_or_else(|| LambdaError::not_found("The resource you requested does not exist."))?;
        return Ok(document(OK, json!({ "Tags": found.definition.tags })));
    }
    served.function(&resource)?;
    Ok(document(OK, json!({ "Tags": {} })))
}

/// `GetAccountSettings`, with the limits of Lambda's quotas.
pub(super) async fn account(State(api): State<LambdaApi>) -> Reply {
    let served = api.served()?;
    let reserved = served.managed.reserved_but("");
    Ok(document(
        OK,
        json!({
            "AccountLimit": {
                "TotalCodeSize": 80_530_636_800_u64,
                "CodeSizeUnzipped": 262_144_000,
                "CodeSizeZipped": 52_428_800,
                "ConcurrentExecutions": ACCOUNT_CONCURRENCY,
                "UnreservedConcurrentExecutions": ACCOUNT_CONCURRENCY.saturating_sub(reserved),
            },
            "AccountUsage": { "TotalCodeSize": 0, "FunctionCount": served.functions.len() },
        }),
    ))
}
