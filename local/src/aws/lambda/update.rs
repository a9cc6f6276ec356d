//! The operations that change functions.

use std::{collections::BTreeMap, time::Duration};

use axum::{
    body::Body,
    extract::{Path, State},
};
use lambda_host::{FunctionConfig, LogFormat};
use sam_template::environment_variables;
use serde_json::{Map, Value, json};

use super::{
    LambdaApi, UNRESERVED_CONCURRENCY,
    functions::ACCOUNT_CONCURRENCY,
    managed::Managed,
    reply::{LambdaError, Reply, document, empty},
    request::{NO_CONTENT, OK, members},
};

/// Concurrent executions that must stay unreserved (Lambda developer guide, "Configuring
/// reserved concurrency").
const LEAST_UNRESERVED: u32 = 100;

/// What `UpdateFunctionConfiguration` changes here. Everything else that it may set has no
/// effect on this machine, as in the template.
struct Change {
    description: Option<String>,
    handler: Option<String>,
    timeout: Option<Duration>,
    memory_mb: Option<u32>,
    variables: Option<BTreeMap<String, String>>,
    log_format: Option<LogFormat>,
    log_group: Option<String>,
}

/// `UpdateFunctionConfiguration`. When the reply is sent, new execution environments start
/// with the new configuration; `LastUpdateStatus` is `InProgress` until the idle ones of
/// before have ended.
pub(super) async fn update(
    State(api): State<LambdaApi>,
    Path(name): Path<String>,
    body: Body,
) -> Reply {
    let served = api.served()?;
    let function = served.function(&name)?.clone();
    let members = members(body).await?;
    let change = Change::read(&members)?;
    let revision = members.get("RevisionId").and_then(Value::as_str);
    let (name, arn) = {
        let config = function.config();
        (config.name.clone(), config.arn())
    };
    served.managed.with(&name, |managed| {
        if revision.is_some_and(|revision| revision != managed.revision.to_string()) {
            let why = "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id";
            return Err(LambdaError::precondition(why));
        }
        if managed.updating {
            return Err(LambdaError::conflict(format!(
                "The operation cannot be performed at this time. An update is in progress for resource: {arn}"
            )));
        }
        managed.updating = true;
        Ok(())
    })?;
    // To the end, also if the client goes away: the function must not stay `InProgress`.
    let api = api.clone();
    let changed = tokio::spawn(async move {
        let served = api.served()?;
        let managed = served.managed.with(&name, |managed| managed.clone());
        let retired = function
            .configure(|config| change.apply(config, &managed))
            .await;
        served.managed.with(&name, |managed| {
            if let Some(description) = change.description {
                managed.description = description;
            }
            managed.changed();
        });
        let reply = served.configured(&function);
        let api = api.clone();
        tokio::spawn(async move {
            retired.shut_down().await;
            if let Ok(served) = api.served() {
                served
                    .managed
                    .with(&name, |managed| managed.updating = false);
            }
        });
        Ok(reply)
    });
    let stopped = |_| LambdaError::service("the update was stopped");
    changed.await.map_err(stopped)?
}

/// `PutFunctionConcurrency`.
pub(super) async fn put_concurrency(
    State(api): State<LambdaApi>,
    Path(name): Path<String>,
    body: Body,
) -> Reply {
    let served = api.served()?;
    let function = served.function(&name)?;
    let members = members(body).await?;
    let reserved = number(&members, "ReservedConcurrentExecutions", 0, u32::MAX)?;
    let reserved = reserved.ok_or_else(|| {
        LambdaError::validation(
            "1 validation error detected: Value null at 'reservedConcurrentExecutions' failed to satisfy constraint: Member must not be null",
        )
    })?;
    let name = function.config().name.clone();
    let others = served.managed.reserved_but(&name);
    let left = ACCOUNT_CONCURRENCY.checked_sub(others.saturating_add(reserved));
    if left.is_none_or(|left| left < LEAST_UNRESERVED) {
        return Err(LambdaError::invalid(format!(
            "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [{LEAST_UNRESERVED}]."
        )));
    }
    function.set_concurrency(reserved as usize).await;
    served
        .managed
        .with(&name, |managed| managed.reserved = Some(reserved));
    Ok(document(
        OK,
        json!({ "ReservedConcurrentExecutions": reserved }),
    ))
}

/// `DeleteFunctionConcurrency`.
pub(super) async fn delete_concurrency(
    State(api): State<LambdaApi>,
    Path(name): Path<String>,
) -> Reply {
    let served = api.served()?;
    let function = served.function(&name)?;
    function.set_concurrency(UNRESERVED_CONCURRENCY).await;
    let name = function.config().name.clone();
    served
        .managed
        .with(&name, |managed| managed.reserved = None);
    Ok(empty(NO_CONTENT))
}

impl Change {
    fn read(members: &Map<String, Value>) -> Result<Self, LambdaError> {
        let text = |name: &str| members.get(name).and_then(Value::as_str).map(str::to_owned);
        let timeout = number(members, "Timeout", 1, 900)?;
        let description = text("Description");
        if description
            .as_ref()
            .is_some_and(|text| text.chars().count() > 256)
        {
            return Err(LambdaError::validation(
                "1 validation error detected: Value at 'description' failed to satisfy constraint: Member must have length less than or equal to 256",
            ));
        }
        let logging = members.get("LoggingConfig");
        let log_group = logging.and_then(|config| config["LogGroup"].as_str());
        Ok(Self {
            log_format: logging.map_or(Ok(None), log_format)?,
            log_group: log_group.map(str::to_owned),
            description,
            handler: text("Handler"),
            timeout: timeout.map(|seconds| Duration::from_secs(seconds.into())),
            memory_mb: number(members, "MemorySize", 128, 32_768)?,
            variables: variables(members)?,
        })
    }

    fn apply(&self, config: &mut FunctionConfig, managed: &Managed) {
        if let Some(handler) = &self.handler {
            config.handler.clone_from(handler);
        }
        if let Some(timeout) = self.timeout {
            config.timeout = timeout;
        }
        if let Some(memory_mb) = self.memory_mb {
            config.memory_mb = memory_mb;
        }
        if let Some(variables) = &self.variables {
            config.environment = managed.with_own(variables.clone());
        }
        if let Some(format) = self.log_format {
            config.log_format = format;
        }
        if let Some(group) = &self.log_group {
            config.log_group = Some(group.clone());
        }
    }
}

/// `LoggingConfig.LogFormat`.
fn log_format(logging: &Value) -> Result<Option<LogFormat>, LambdaError> {
    match logging["LogFormat"].as_str() {
        None => Ok(None),
        Some("Text") => Ok(Some(LogFormat::Text)),
        Some("JSON") => Ok(Some(LogFormat::Json)),
        Some(other) => Err(LambdaError::validation(format!(
            "1 validation error detected: Value '{other}' at 'loggingConfig.logFormat' failed to satisfy constraint: Member must satisfy enum value set: [JSON, Text]"
        ))),
    }
}

/// `Environment`: all of the function's variables.
fn variables(
    members: &Map<String, Value>,
) -> Result<Option<BTreeMap<String, String>>, LambdaError> {
    let Some(environment) = members.get("Environment").filter(|value| !value.is_null()) else {
        return Ok(None);
    };
    let given = environment["Variables"]
        .as_object()
        .cloned()
        .unwrap_or_default();
    let mut variables = BTreeMap::new();
    for (name, value) in given {
        let value = value.as_str().ok_or_else(|| {
            LambdaError::content(format!("environment variable {name} is not text"))
        })?;
        variables.insert(name, value.to_owned());
    }
    let cannot = "Lambda was unable to configure your environment variables because the environment variables you have provided";
    let reserved = variables
        .keys()
        .filter(|name| environment_variables::is_reserved(name));
    let reserved: Vec<_> = reserved.map(String::as_str).collect();
    if !reserved.is_empty() {
        return Err(LambdaError::invalid(format!(
            "{cannot} contains reserved keys that are currently not supported for modification. Reserved keys used in this request: {}",
            reserved.join(", ")
        )));
    }
    if let Some(name) = variables
        .keys()
        .find(|name| !environment_variables::is_name(name))
    {
        return Err(LambdaError::validation(format!(
            "1 validation error detected: Value at 'environment.variables' failed to satisfy constraint: Map keys must satisfy constraint: [Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+]: {name}"
        )));
    }
    let bytes: usize = variables
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if bytes > environment_variables::MOST_BYTES {
        return Err(LambdaError::invalid(format!(
            "{cannot} exceeded the 4KB limit."
        )));
    }
    Ok(Some(variables))
}

fn number(
    members: &Map<String, Value>,
    name: &str,
    least: u32,
    most: u32,
) -> Result<Option<u32>, LambdaError> {
    let Some(value) = members.get(name).filter(|value| !value.is_null()) else {
        return Ok(None);
    };
    let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
    if let Some(number) = number.filter(|number| (least..=most).contains(number)) {
        return Ok(Some(number));
    }
    let constraint = match value.as_f64() {
        Some(number) if number < f64::from(least) => {
            format!("Member must have value greater than or equal to {least}")
        }
        _ => format!("Member must have value less than or equal to {most}"),
    };
    let mut lower = name.to_owned();
    lower[..1].make_ascii_lowercase();
    Err(LambdaError::validation(format!(
        "1 validation error detected: Value '{value}' at '{lower}' failed to satisfy constraint: {constraint}"
    )))
}
