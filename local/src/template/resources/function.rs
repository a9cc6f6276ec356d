//! `AWS::Serverless::Function`.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use super::{event_source_mapping, in_range};
use crate::template::{
    Problem,
    document::Node,
    environment::{Function, Mapping},
    properties::Properties,
};

/// Properties without an effect on a local run: permissions, packaging,
/// deployment, and settings of AWS's own infrastructure.
const IGNORED: [&str; 29] = [
    "Architectures",
    "AssumeRolePolicyDocument",
    "AutoPublishAlias",
    "AutoPublishAliasAllProperties",
    "AutoPublishCodeSha256",
    "CodeSigningConfigArn",
    "DeploymentPreference",
    "Description",
    "EphemeralStorage",
    "FileSystemConfigs",
    "FunctionUrlConfig",
    "KmsKeyArn",
    "Layers",
    "LoggingConfig",
    "PackageType",
    "PermissionsBoundary",
    "Policies",
    "PropagateTags",
    "ProvisionedConcurrencyConfig",
    "RecursiveLoop",
    "Role",
    "RolePath",
    "RuntimeManagementConfig",
    "SnapStart",
    "SourceKMSKeyArn",
    "Tags",
    "Tracing",
    "VersionDescription",
    "VpcConfig",
];

pub(super) fn read(
    logical_id: &str,
    properties: Properties,
) -> Result<(Function, Vec<Mapping>), Problem> {
    properties.allow(
        &[
            "CodeUri",
            "Environment",
            "Events",
            "FunctionName",
            "Handler",
            "MemorySize",
            "ReservedConcurrentExecutions",
            "Runtime",
            "Timeout",
        ],
        &IGNORED,
    )?;
    let name = properties
        .text("FunctionName")?
        .unwrap_or_else(|| logical_id.to_owned());
    let mappings = events(logical_id, &name, properties)?;
    let function = Function {
        logical_id: logical_id.to_owned(),
        runtime: properties.text("Runtime")?,
        handler: properties
            .text("Handler")?
            .unwrap_or_else(|| "bootstrap".to_owned()),
        code_uri: properties.text("CodeUri")?.map(PathBuf::from),
        // Three seconds and 128 MB are Lambda's defaults (CreateFunction).
        timeout: Duration::from_secs(
            in_range(&properties, "Timeout", 1..=900)?
                .unwrap_or(3)
                .into(),
        ),
        memory_mb: in_range(&properties, "MemorySize", 128..=32_768)?.unwrap_or(128),
        environment: variables(properties)?,
        reserved_concurrency: in_range(&properties, "ReservedConcurrentExecutions", 0..=10_000)?,
        name,
    };
    Ok((function, mappings))
}

/// The function's environment variables; they override those of `Globals`.
fn variables(properties: Properties) -> Result<BTreeMap<String, String>, Problem> {
    let mut variables = BTreeMap::new();
    for node in properties.nodes("Environment").into_iter().flatten() {
        let entries = node.get("Variables").map_or(&[][..], Node::entries);
        for (key, value) in entries {
            let value = properties.resolver().text(value).map_err(|problem| {
                let what = format!("environment variable {}: {}", key.name, problem.what);
                properties.problem(problem.line, &what)
            })?;
            variables.insert(key.name.clone(), value);
        }
    }
    Ok(variables)
}

/// The event source mappings in `Events`. An event of another type is an error:
/// nothing here would send it.
fn events(
    logical_id: &str,
    function: &str,
    properties: Properties,
) -> Result<Vec<Mapping>, Problem> {
    let entries = properties.node("Events").map_or(&[][..], Node::entries);
    entries
        .iter()
        .map(|(key, event)| {
            let owner = format!("{logical_id}, event {}", key.name);
            let of_event = Properties::new(&owner, key.line, Some(event), properties.resolver());
            match of_event.required("Type")?.as_str() {
                "Kinesis" => event_source_mapping::read_event(
                    &format!("{logical_id}{}", key.name),
                    function,
                    Properties::new(
                        &owner,
                        key.line,
                        event.get("Properties"),
                        properties.resolver(),
                    ),
                ),
                other => Err(of_event.problem(
                    key.line,
                    &format!("events of type {other} are not supported here; supported: Kinesis"),
                )),
            }
        })
        .collect()
}
