//! What a function needs to run.

use std::{collections::BTreeMap, time::Duration};

use aws_wire::{ACCOUNT_ID, DEFAULT_REGION};

use super::{Bootstrap, LogFormat};

/// How long an environment is kept without an invocation, by default. AWS documents no figure.
pub const IDLE_TIMEOUT: Duration = Duration::from_mins(10);

/// The variable by which a function says that one of its processes takes several invocations
/// at once; `lambda_runtime::run_concurrent` reads it.
const MAX_CONCURRENCY: &str = "AWS_LAMBDA_MAX_CONCURRENCY";

/// What a function needs to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionConfig {
    /// Name, the last part of its ARN.
    pub name: String,
    /// What its execution environments run.
    pub bootstrap: Bootstrap,
    /// `_HANDLER`, for bootstraps that look a handler up.
    pub handler: String,
    /// How long an invocation may take, from when the runtime gets the event until it asks for
    /// the next one.
    pub timeout: Duration,
    /// Memory, MB: shown to the function, not enforced.
    pub memory_mb: u32,
    /// The function's own environment variables. Those that Lambda reserves, such as
    /// `_HANDLER` and `AWS_REGION`, come from the other fields and win.
    pub environment: BTreeMap<String, String>,
    /// `AWS_REGION`.
    pub region: String,
    /// Most execution environments at once (`ReservedConcurrentExecutions`); an invocation
    /// beyond is throttled.
    pub concurrency: usize,
    /// How long an environment is kept without an invocation.
    pub idle_timeout: Duration,
    /// The log group (`LoggingConfig`); `None` is `/aws/lambda/NAME`.
    pub log_group: Option<String>,
    /// The form of Lambda's own events in the log.
    pub log_format: LogFormat,
    /// Whether a trace that begins with an invocation is sampled, as with Lambda's active
    /// tracing (`TracingConfig`).
    pub sampled: bool,
}

impl FunctionConfig {
    /// A function with Lambda's defaults: 3 s, 128 MB, no variables of its own; at most ten
    /// execution environments.
    #[must_use]
    pub fn new(name: impl Into<String>, bootstrap: impl Into<Bootstrap>) -> Self {
        Self {
            name: name.into(),
            bootstrap: bootstrap.into(),
            handler: "bootstrap".to_owned(),
            timeout: Duration::from_secs(3),
            memory_mb: 128,
            environment: BTreeMap::new(),
            region: DEFAULT_REGION.to_owned(),
            concurrency: 10,
            idle_timeout: IDLE_TIMEOUT,
            log_group: None,
            log_format: LogFormat::Text,
            sampled: false,
        }
    }

    /// The function's ARN.
    #[must_use]
    pub fn arn(&self) -> String {
        function_arn(&self.region, &self.name)
    }

    /// The log group of its execution environments.
    #[must_use]
    pub fn log_group(&self) -> String {
        let default = || format!("/aws/lambda/{}", self.name);
        self.log_group.clone().unwrap_or_else(default)
    }

    /// Invocations that one environment takes at once: 1, unless the function's own variables
    /// have `AWS_LAMBDA_MAX_CONCURRENCY`.
    #[must_use]
    pub fn slots(&self) -> usize {
        let slots = self.environment.get(MAX_CONCURRENCY);
        let slots = slots.and_then(|slots| slots.parse().ok());
        slots.filter(|slots| *slots > 0).unwrap_or(1)
    }
}

/// The ARN of the function `name` in `region`.
#[must_use]
pub fn function_arn(region: &str, name: &str) -> String {
    format!("arn:aws:lambda:{region}:{ACCOUNT_ID}:function:{name}")
}
