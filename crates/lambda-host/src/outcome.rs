//! How an invocation ended.

use bytes::Bytes;
use serde_json::json;

/// How an invocation ended, as the Invoke API tells it (API reference, `Invoke`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The handler returned this.
    Success(Bytes),
    /// The handler failed, or its process did: HTTP 200 with
    /// `X-Amz-Function-Error`.
    FunctionError(FunctionError),
    /// All environments are busy: HTTP 429.
    Throttled,
    /// The payload is over 6 MB: HTTP 413. The function never saw it.
    TooLarge {
        /// How large it is, bytes.
        bytes: usize,
    },
}

/// A function error and its JSON document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionError {
    /// What failed.
    pub kind: ErrorKind,
    /// `{"errorType":…,"errorMessage":…}`, from the runtime or from here.
    pub payload: Bytes,
}

/// What failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The handler returned an error.
    Handled,
    /// It did not answer in time; its process was killed.
    Timeout,
    /// Its process ended.
    Exit,
    /// Its process ended, or stalled, before it asked for an invocation.
    Init,
    /// It answered with more than 6 MB.
    ResponseTooLarge,
}

impl FunctionError {
    /// An error that the runtime did not word itself.
    #[must_use]
    pub fn new(kind: ErrorKind, error_type: &str, message: &str) -> Self {
        let document = json!({ "errorType": error_type, "errorMessage": message });
        Self {
            kind,
            payload: Bytes::from(document.to_string()),
        }
    }

    /// Its `errorMessage`, or the payload as text where it has none.
    #[must_use]
    pub fn message(&self) -> String {
        let document: Option<serde_json::Value> = serde_json::from_slice(&self.payload).ok();
        document
            .as_ref()
            .and_then(|document| document.get("errorMessage")?.as_str())
            .map_or_else(|| self.text(), str::to_owned)
    }

    /// The payload as text, for messages.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.payload).into_owned()
    }
}
