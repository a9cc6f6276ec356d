//! The function that a mapping invokes: the [`Target`] trait.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::{Value, json};

use super::text::one_line;

/// The outcome of an invocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// The function returned this.
    Success(Bytes),
    /// A function error: it uses up a retry.
    FunctionError(FunctionError),
    /// A throttle: the mapping retries without limit.
    Throttled,
    /// The payload is larger than the endpoint accepts.
    TooLarge,
    /// A service error: no answer, or not one of the Invoke API. The mapping retries
    /// without limit.
    Unavailable(String),
}

/// A function error and its JSON document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionError {
    /// What failed.
    pub kind: ErrorKind,
    /// `{"errorType":…,"errorMessage":…}`, as the function or its runtime wrote it.
    pub payload: Bytes,
}

impl FunctionError {
    /// An error in the form that Lambda gives it.
    #[must_use]
    pub fn new(kind: ErrorKind, error_type: &str, message: &str) -> Self {
        let document = json!({ "errorType": error_type, "errorMessage": message });
        Self {
            kind,
            payload: Bytes::from(document.to_string()),
        }
    }

    /// The whole payload as text: several lines where it holds a stack trace.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.payload).into_owned()
    }

    /// The error's type and the first line of its message, for logs and the status.
    #[must_use]
    pub fn summary(&self) -> String {
        let document: Value = serde_json::from_slice(&self.payload).unwrap_or_default();
        let field = |name| document.get(name).and_then(Value::as_str);
        match (field("errorType"), field("errorMessage")) {
            (None | Some(""), None | Some("")) => one_line(&self.text()),
            (None | Some(""), Some(message)) => one_line(message),
            (Some(kind), None | Some("")) => one_line(kind),
            (Some(kind), Some(message)) => one_line(&format!("{kind}: {message}")),
        }
    }
}

/// What failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The handler returned an error.
    Handled,
    /// The function timed out.
    Timeout,
    /// The function's process exited.
    Exit,
    /// The function's init failed.
    Init,
    /// The response is over 6 MB.
    ResponseTooLarge,
}

/// A function that can be invoked.
#[async_trait]
pub trait Target: Send + Sync {
    /// The function's ARN or URL, for messages and invocation records.
    fn name(&self) -> String;

    /// Invokes the function with an event and waits for its reply. The mapping drops the
    /// future when it stops and the reply takes too long.
    async fn invoke(&self, event: Bytes) -> Reply;

    /// As [`Target::invoke`], with this id for the invocation. A target whose service makes
    /// the ids ignores it.
    async fn invoke_as(&self, request_id: &str, event: Bytes) -> Reply {
        let _ = request_id;
        self.invoke(event).await
    }

    /// As [`Target::invoke_as`], for an event that is to begin within `within`. A target
    /// where invocations wait for their turn returns [`Reply::Throttled`] after that.
    async fn invoke_within(&self, request_id: &str, event: Bytes, within: Duration) -> Reply {
        let _ = within;
        self.invoke_as(request_id, event).await
    }
}

#[cfg(test)]
mod tests {
    use super::{ErrorKind, FunctionError};
    use bytes::Bytes;

    #[test]
    fn an_error_s_summary_is_one_line_of_its_type_and_message() {
        let error = |payload: &'static str| FunctionError {
            kind: ErrorKind::Handled,
            payload: Bytes::from_static(payload.as_bytes()),
        };
        let long = r#"{
            "errorMessage": "All records failed processing.\nTraceback:\n  line 1",
            "errorType": "BatchProcessingError",
            "stackTrace": ["  File a.py, line 2\n"]
        }"#;
        for (payload, summary) in [
            (long, "BatchProcessingError: All records failed processing."),
            (
                "Task timed out after 3.00 seconds",
                "Task timed out after 3.00 seconds",
            ),
            (r#"{"errorType":"Runtime.ExitError"}"#, "Runtime.ExitError"),
        ] {
            assert_eq!(error(payload).summary(), summary);
        }
    }
}
