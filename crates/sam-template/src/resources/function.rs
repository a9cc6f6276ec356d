//! `AWS::Serverless::Function` and `AWS::Lambda::Function`.

use std::{path::PathBuf, time::Duration};

use super::{
    event_source_mapping::{self, Connection},
    variables,
};
use crate::{
    Problem,
    document::Value,
    effects::{
        ASYNCHRONOUS, CAPACITY, DEPLOYMENT, ENCRYPTION, Ignored, LABELS, MACHINE, OBSERVABILITY,
        PACKAGE, PERMISSIONS,
    },
    environment::{Function, Logging},
    nearest::nearest,
    properties::Properties,
};

/// What both types read.
const USED: [&str; 9] = [
    "FunctionName",
    "Handler",
    "LoggingConfig",
    "Runtime",
    "Environment",
    "MemorySize",
    "Timeout",
    "ReservedConcurrentExecutions",
    "PackageType",
];

/// What has no effect in either type.
const IGNORED: [Ignored; 9] = [
    (
        ASYNCHRONOUS,
        &["DeadLetterConfig", "DeadLetterQueue", "EventInvokeConfig"],
    ),
    (
        CAPACITY,
        &[
            "CapacityProviderConfig",
            "DurableConfig",
            "ProvisionedConcurrencyConfig",
            "SnapStart",
            "TenancyConfig",
        ],
    ),
    (
        DEPLOYMENT,
        &[
            "AutoPublishAlias",
            "AutoPublishAliasAllProperties",
            "AutoPublishCodeSha256",
            "DeploymentPreference",
            "FunctionScalingConfig",
            "PublishToLatestPublished",
            "RuntimeManagementConfig",
            "RuntimePolicy",
            "VersionDeletionPolicy",
            "VersionDescription",
        ],
    ),
    (
        ENCRYPTION,
        &["CodeSigningConfigArn", "KmsKeyArn", "SourceKMSKeyArn"],
    ),
    (LABELS, &["Description", "PropagateTags", "Tags"]),
    (
        MACHINE,
        &[
            "Architectures",
            "EphemeralStorage",
            "FileSystemConfigs",
            "FunctionUrlConfig",
            "VpcConfig",
        ],
    ),
    (OBSERVABILITY, &["Tracing", "TracingConfig"]),
    (PACKAGE, &["ImageConfig", "ImageUri", "Layers"]),
    (
        PERMISSIONS,
        &[
            "AssumeRolePolicyDocument",
            "PermissionsBoundary",
            "Policies",
            "RecursiveLoop",
            "Role",
            "RolePath",
        ],
    ),
];

/// Event types that are mappings here.
const READ_EVENTS: [&str; 2] = ["Kinesis", "SQS"];

/// Event types that nothing here sends (SAM specification, `EventSource`).
const OTHER_EVENTS: [&str; 16] = [
    "AlexaSkill",
    "Api",
    "CloudWatchEvent",
    "CloudWatchLogs",
    "Cognito",
    "DocumentDB",
    "DynamoDB",
    "EventBridgeRule",
    "HttpApi",
    "IoTRule",
    "MQ",
    "MSK",
    "S3",
    "SNS",
    "Schedule",
    "ScheduleV2",
];

/// Reads SAM's type, with the mappings of its Kinesis and SQS events and their lines.
pub(super) fn read_serverless(
    logical_id: &str,
    properties: &Properties,
) -> Result<(Function, Vec<(usize, Connection)>), Problem> {
    let mut used = vec!["CodeUri", "Events", "InlineCode"];
    used.extend(USED);
    properties.allow(&used, &IGNORED)?;
    let function = function(logical_id, properties, "CodeUri", "InlineCode")?;
    let mappings = events(logical_id, &function.name, properties)?;
    Ok((function, mappings))
}

/// Reads Lambda's own type.
pub(super) fn read(logical_id: &str, properties: &Properties) -> Result<Function, Problem> {
    let mut used = vec!["Code"];
    used.extend(USED);
    properties.allow(&used, &IGNORED)?;
    function(logical_id, properties, "Code", "Code")
}

/// `code` is the property with the code's place, `inline` that with the code itself.
fn function(
    logical_id: &str,
    properties: &Properties,
    code: &str,
    inline: &str,
) -> Result<Function, Problem> {
    let handler = properties.text("Handler")?;
    let name = properties.text("FunctionName")?;
    properties.one_of("PackageType", &["Image", "Zip"])?;
    Ok(Function {
        logical_id: logical_id.to_owned(),
        name: name.unwrap_or_else(|| logical_id.to_owned()),
        runtime: properties.text("Runtime")?,
        handler: handler.unwrap_or_else(|| "bootstrap".to_owned()),
        code_uri: code_folder(properties, code, inline)?,
        // Three seconds and 128 MB are Lambda's defaults (CreateFunction).
        timeout: Duration::from_secs(properties.in_range("Timeout", 1..=900)?.unwrap_or(3).into()),
        memory_mb: properties
            .in_range("MemorySize", 128..=32_768)?
            .unwrap_or(128),
        environment: variables::read(properties)?,
        reserved_concurrency: properties.in_range("ReservedConcurrentExecutions", 0..=10_000)?,
        logging: logging(properties)?,
    })
}

/// `LoggingConfig`: the log group, and the form of Lambda's own events.
fn logging(properties: &Properties) -> Result<Logging, Problem> {
    let Some(config) = properties.inside("LoggingConfig")? else {
        return Ok(Logging::default());
    };
    config.allow(
        &["LogFormat", "LogGroup"],
        &[(OBSERVABILITY, &["ApplicationLogLevel", "SystemLogLevel"])],
    )?;
    let format = config.one_of("LogFormat", &["JSON", "Text"])?;
    Ok(Logging {
        group: config.text("LogGroup")?,
        json: format.as_deref() == Some("JSON"),
    })
}

/// The code's folder; `None` where the code is elsewhere.
fn code_folder(
    properties: &Properties,
    code: &str,
    inline: &str,
) -> Result<Option<PathBuf>, Problem> {
    let note = |part: &str, meaning: &str| {
        properties.scope().notes.borrow_mut().add(meaning, part);
    };
    let not_fetched = "the code is not fetched: the executable that --bootstrap names runs instead";
    if inline != code && properties.node(inline)?.is_some() {
        note(inline, "the executable that --bootstrap names runs instead");
        return Ok(None);
    }
    let Some(node) = properties.node(code)? else {
        return Ok(None);
    };
    if let Value::Map(entries) = &node.value {
        let keys: Vec<_> = entries.iter().map(|(key, _)| key.name.as_str()).collect();
        let known = [
            "Bucket",
            "ImageUri",
            "Key",
            "S3Bucket",
            "S3Key",
            "S3ObjectVersion",
            "SourceKMSKeyArn",
            "Version",
            "ZipFile",
        ];
        for key in &keys {
            if !known.contains(key) {
                let suggestion = crate::nearest::suggestion(key, &known);
                return Err(properties.wrong(code, &format!("has {key}; {suggestion}")));
            }
        }
        if keys.contains(&"ZipFile") {
            note(
                "Code.ZipFile",
                "the executable that --bootstrap names runs instead",
            );
        } else {
            note(code, not_fetched);
        }
        return Ok(None);
    }
    // A function that gives a place in S3 needs no value here.
    let text = match node.value {
        Value::Text(_) | Value::Number(_) => properties.text(code)?,
        _ => properties.text(code).ok().flatten(),
    };
    match text {
        Some(text) if !text.starts_with("s3://") && !text.starts_with("https://") => {
            Ok(Some(PathBuf::from(text)))
        }
        _ => {
            note(code, not_fetched);
            Ok(None)
        }
    }
}

/// The mappings of the Kinesis and SQS events, with their lines.
fn events(
    logical_id: &str,
    function: &str,
    properties: &Properties,
) -> Result<Vec<(usize, Connection)>, Problem> {
    let Some(events) = properties.inside("Events")? else {
        return Ok(Vec::new());
    };
    let mut mappings = Vec::new();
    for (key, event) in events.entries()? {
        let owner = format!("{logical_id}, event {}", key.name);
        let of_event = Properties::new(&owner, key.line, Some(event), properties.scope())?;
        let kind = of_event.required("Type")?;
        if READ_EVENTS.contains(&kind.as_str()) {
            let node = event.get("Properties");
            let options = Properties::new(&owner, key.line, node, properties.scope())?;
            let id = format!("{logical_id}{}", key.name);
            let connection = if kind == "SQS" {
                event_source_mapping::read_queue_event(&id, function, &options)
                    .map(Connection::Queue)
            } else {
                event_source_mapping::read_event(&id, function, &options).map(Connection::Stream)
            };
            mappings.push((key.line, connection?));
        } else if OTHER_EVENTS.contains(&kind.as_str()) || kind == "SelfManagedKafka" {
            properties.scope().notes.borrow_mut().add(
                "no events of these types are sent here; `klocal invoke` sends one",
                &format!("{kind} event {}.{}", logical_id, key.name),
            );
        } else {
            let known = OTHER_EVENTS.into_iter().chain(READ_EVENTS);
            let near = nearest(&kind, known).unwrap_or("Kinesis");
            let what = format!("is {kind:?}; did you mean {near}?");
            return Err(of_event.wrong("Type", &what));
        }
    }
    Ok(mappings)
}
