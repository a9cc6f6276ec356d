//! Logging: JSON in Lambda, plain text on a terminal.

use std::io::{IsTerminal, stdout};

use tracing::Span;
use tracing_subscriber::EnvFilter;

use crate::{
    config::{ConfigError, from_environment},
    invocation::Invocation,
};

/// The filter when `RUST_LOG` is not set.
const DEFAULT: &str = "info";

/// Starts logging, filtered by `RUST_LOG` (default: `info`).
///
/// # Errors
///
/// `RUST_LOG` is malformed. Logging has then started with the default, so the
/// caller can log the error.
pub fn start() -> Result<(), ConfigError> {
    match filter(from_environment("RUST_LOG")) {
        Ok(filter) => {
            start_with(filter);
            Ok(())
        }
        Err(error) => {
            start_with(EnvFilter::new(DEFAULT));
            Err(error)
        }
    }
}

fn filter(held: Option<String>) -> Result<EnvFilter, ConfigError> {
    let held = held.filter(|held| !held.trim().is_empty());
    let directives = held.as_deref().unwrap_or(DEFAULT);
    EnvFilter::try_new(directives).map_err(|_| ConfigError {
        variable: "RUST_LOG",
        held,
        expected: "a level such as info, or directives such as info,consumer=debug".to_owned(),
    })
}

fn start_with(filter: EnvFilter) {
    let logs = tracing_subscriber::fmt().with_env_filter(filter);
    if stdout().is_terminal() {
        logs.compact().with_target(false).init();
    } else {
        logs.json().flatten_event(true).with_span_list(false).init();
    }
}

/// The span of an invocation: it adds the invocation's ids to each log line.
#[must_use]
pub fn span(invocation: &Invocation) -> Span {
    tracing::info_span!(
        "invocation",
        request_id = invocation.request_id,
        xray_trace_id = invocation.xray_trace_id,
        trace_id = invocation.trace_id,
    )
}

#[cfg(test)]
mod tests {
    use super::filter;

    #[test]
    fn rust_log_is_a_level_or_directives_and_info_when_it_is_not_set() {
        for (held, used) in [
            (None, "info"),
            (Some(" "), "info"),
            (Some("debug"), "debug"),
            (Some("warn,consumer=debug"), "consumer=debug,warn"),
        ] {
            let filter = filter(held.map(str::to_owned)).unwrap();
            assert_eq!(filter.to_string(), used, "{held:?}");
        }
    }

    #[test]
    fn a_malformed_rust_log_is_named() {
        for held in ["consumer=loud", "a=b=c", "info,[span"] {
            let error = filter(Some(held.to_owned())).unwrap_err().to_string();
            assert!(error.starts_with("RUST_LOG is "), "{error}");
            assert!(error.contains(held), "{error}");
            assert!(!error.contains('\n'), "{error}");
        }
    }
}
