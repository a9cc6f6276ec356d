//! How an invocation ended.

use bytes::Bytes;
use serde_json::json;

/// How an invocation ended, with its HTTP reply (API reference, `Invoke`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The handler returned this.
    Success(Bytes),
    /// The handler or its process failed: HTTP 200 with `X-Amz-Function-Error`.
    FunctionError(FunctionError),
    /// All of the function's environments are busy: HTTP 429.
    Throttled,
    /// The payload is over 6 MB: HTTP 413. The function never saw it.
    TooLarge {
        /// Size of the payload.
        bytes: usize,
    },
}

/// A function error and its JSON document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionError {
    /// What failed.
    pub kind: ErrorKind,
    /// `{"errorType":…,"errorMessage":…}`, as the runtime or this crate wrote it.
    pub payload: Bytes,
}

/// What failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The handler returned an error.
    Handled,
    /// The function exceeded its time-out; its process was killed.
    Timeout,
    /// The process ended without an answer.
    Exit,
    /// The process ended or took too long before it asked for its first invocation.
    Init,
    /// The response is over 6 MB.
    ResponseTooLarge,
}

impl FunctionError {
    /// An error with a document of this crate.
    #[must_use]
    pub fn new(kind: ErrorKind, error_type: &str, message: &str) -> Self {
        let document = json!({ "errorType": error_type, "errorMessage": message });
        Self {
            kind,
            payload: Bytes::from(document.to_string()),
        }
    }

    /// The document's `errorMessage`; the whole payload if it has none.
    #[must_use]
    pub fn message(&self) -> String {
        let document: Option<serde_json::Value> = serde_json::from_slice(&self.payload).ok();
        document
            .as_ref()
            .and_then(|document| document.get("errorMessage")?.as_str())
            .map_or_else(|| self.text(), str::to_owned)
    }

    /// The document's `errorType`; `Unknown` if it has none.
    #[must_use]
    pub fn error_type(&self) -> String {
        let document: Option<serde_json::Value> = serde_json::from_slice(&self.payload).ok();
        document
            .as_ref()
            .and_then(|document| document.get("errorType")?.as_str())
            .map_or_else(|| "Unknown".to_owned(), str::to_owned)
    }

    /// The payload as text, for messages.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.payload).into_owned()
    }
}
