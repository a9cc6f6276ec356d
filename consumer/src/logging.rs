//! Logs: JSON in Lambda, readable on a terminal.

use std::io::{IsTerminal, stdout};

use tracing::Span;
use tracing_subscriber::EnvFilter;

use crate::invocation::Invocation;

/// Starts logging: what `RUST_LOG` names, `info` by default.
pub fn start() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let logs = tracing_subscriber::fmt().with_env_filter(filter);
    if stdout().is_terminal() {
        logs.compact().with_target(false).init();
    } else {
        logs.json().flatten_event(true).with_span_list(false).init();
    }
}

/// The span of an invocation, whose ids are in each of its lines.
#[must_use]
pub fn span(invocation: &Invocation) -> Span {
    tracing::info_span!(
        "invocation",
        request_id = invocation.request_id,
        xray_trace_id = invocation.xray_trace_id,
        trace_id = invocation.trace_id,
    )
}
