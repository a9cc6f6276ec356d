//! `FunctionConfiguration` (API reference).

use aws_wire::ACCOUNT_ID;
use lambda_host::{FunctionConfig, LogFormat};
use serde_json::{Map, Value, json};
use time::{OffsetDateTime, macros::format_description};

use super::managed::Managed;

/// What a configuration is reported for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum For {
    /// `ListFunctions`, which leaves out the states.
    List,
    /// Everything else.
    One,
}

/// A function's configuration.
pub(super) fn of(config: &FunctionConfig, managed: &Managed, reply: For) -> Map<String, Value> {
    let name = &config.name;
    let mut members: Map<_, _> = [
        ("FunctionName", json!(name)),
        ("FunctionArn", json!(config.arn())),
        (
            "Runtime",
            json!(managed.runtime.as_deref().unwrap_or("provided.al2023")),
        ),
        (
            "Role",
            json!(format!("arn:aws:iam::{ACCOUNT_ID}:role/local")),
        ),
        ("Handler", json!(config.handler)),
        // Nothing is packaged.
        ("CodeSize", json!(0)),
        ("CodeSha256", json!("")),
        ("Description", json!(managed.description)),
        ("Timeout", json!(config.timeout.as_secs())),
        ("MemorySize", json!(config.memory_mb)),
        ("LastModified", json!(last_modified(managed.modified))),
        ("Version", json!("$LATEST")),
        ("RevisionId", json!(managed.revision.to_string())),
        ("PackageType", json!("Zip")),
        ("Architectures", json!([architecture()])),
        ("EphemeralStorage", json!({ "Size": 512 })),
        ("TracingConfig", json!({ "Mode": "PassThrough" })),
        (
            "SnapStart",
            json!({ "ApplyOn": "None", "OptimizationStatus": "Off" }),
        ),
        (
            "LoggingConfig",
            json!({
                "LogFormat": match config.log_format {
                    LogFormat::Text => "Text",
                    LogFormat::Json => "JSON",
                },
                "LogGroup": config.log_group(),
            }),
        ),
        ("Environment", json!({ "Variables": managed.shown(config) })),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into_iter()
    .collect();
    if reply == For::One {
        let mut add = |name: &str, value: &str| {
            members.insert(name.to_owned(), json!(value));
        };
        add("State", "Active");
        if managed.updating {
            add("LastUpdateStatus", "InProgress");
            add("LastUpdateStatusReason", "The function is being created.");
            add("LastUpdateStatusReasonCode", "Creating");
        } else {
            add("LastUpdateStatus", "Successful");
        }
    }
    members
}

/// This machine's, by Lambda's name.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "aarch64" => "arm64",
        _ => "x86_64",
    }
}

/// ISO 8601 as Lambda writes it, such as `2026-01-02T03:04:05.678+0000`.
fn last_modified(moment: OffsetDateTime) -> String {
    let format = format_description!(
        "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]+0000"
    );
    moment.format(format).unwrap_or_default()
}
