//! The environment variables of a function's process (Lambda developer guide, "Defined
//! runtime environment variables").

use std::{
    collections::{BTreeMap, btree_map::Entry},
    net::SocketAddr,
    path::Path,
};

use time::OffsetDateTime;
use uuid::Uuid;

use super::{FunctionConfig, LogFormat};

/// The variable whose value no other execution environment has.
pub(super) const LOG_STREAM: &str = "AWS_LAMBDA_LOG_STREAM_NAME";

/// Credentials that an SDK needs to sign with, and that open nothing.
const CREDENTIALS: [&str; 3] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
];

/// All variables: the defaults that a function may override, the function's own, and the
/// reserved ones, which nothing overrides. `runtime` has further defaults, such as
/// `PYTHONPATH` and `AWS_EXECUTION_ENV`, which OS-only runtimes lack. `_X_AMZN_TRACE_ID` is set
/// by the runtime. `log_stream` is the name of the environment's log stream.
pub(super) fn all(
    config: &FunctionConfig,
    runtime: &BTreeMap<String, String>,
    folder: &Path,
    runtime_api: SocketAddr,
    log_stream: &str,
) -> BTreeMap<String, String> {
    let mut variables = config.environment.clone();
    let mut default = |name: &str, value: &str| {
        if let Entry::Vacant(vacant) = variables.entry(name.to_owned()) {
            vacant.insert(value.to_owned());
        }
    };
    // A session token of one account and keys of another would be refused by AWS.
    if !CREDENTIALS
        .iter()
        .any(|name| config.environment.contains_key(*name))
    {
        for name in CREDENTIALS {
            default(name, "local");
        }
    }
    for (name, value) in runtime {
        default(name, value);
    }
    default("AWS_DEFAULT_REGION", &config.region);
    default("LANG", "en_US.UTF-8");
    default("TZ", ":UTC");
    default("AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR");
    default("AWS_XRAY_DAEMON_ADDRESS", "127.0.0.1:2000");
    // A shell or Python bootstrap needs a PATH. No other variable of this process is passed:
    // a function that needs one would fail in AWS.
    for inherited in ["PATH", "RUST_LOG", "RUST_BACKTRACE"] {
        if let Ok(value) = std::env::var(inherited) {
            default(inherited, &value);
        }
    }
    let (name, folder) = (&config.name, folder.display().to_string());
    let reserved = [
        ("AWS_LAMBDA_RUNTIME_API", runtime_api.to_string()),
        ("_HANDLER", config.handler.clone()),
        ("LAMBDA_TASK_ROOT", folder.clone()),
        ("LAMBDA_RUNTIME_DIR", folder),
        ("AWS_LAMBDA_FUNCTION_NAME", name.clone()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
        (
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
            config.memory_mb.to_string(),
        ),
        ("AWS_LAMBDA_LOG_GROUP_NAME", config.log_group()),
        (LOG_STREAM, log_stream.to_owned()),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
        ("AWS_REGION", config.region.clone()),
    ];
    if config.log_format == LogFormat::Json {
        // Lambda's runtimes write JSON then.
        let json = ("AWS_LAMBDA_LOG_FORMAT".to_owned(), "JSON".to_owned());
        variables.extend([json]);
    }
    variables.extend(reserved.map(|(name, value)| (name.to_owned(), value)));
    variables
}

/// A log stream's name as Lambda makes it: date, version, 32 hexadecimal digits.
pub(super) fn log_stream(now: OffsetDateTime) -> String {
    let (year, month, day) = now.date().to_calendar_date();
    let month = u8::from(month);
    format!(
        "{year:04}/{month:02}/{day:02}/[$LATEST]{}",
        Uuid::new_v4().simple()
    )
}
