//! The request and the result of an invocation.

use bytes::Bytes;
use tokio::sync::mpsc;

use super::{Outcome, observer::Invoker};

/// The request of an invocation. `Bytes::into` makes one from a payload alone.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The event, JSON.
    pub payload: Bytes,
    /// JSON text, decoded from `X-Amz-Client-Context`.
    pub client_context: Option<String>,
    /// Id of the invocation; without it, a new one.
    pub request_id: Option<String>,
    /// `X-Amzn-Trace-Id`; without it the function gets a new trace.
    pub trace_id: Option<String>,
    /// Whether the reply must have the end of the log (`X-Amz-Log-Type: Tail`).
    pub log_tail: bool,
    /// Where the chunks of a streamed response go as they arrive; without it they are joined.
    pub chunks: Option<mpsc::Sender<Bytes>>,
    /// Who asks for the invocation: observers hear it.
    pub invoker: Invoker,
}

impl From<Bytes> for Request {
    fn from(payload: Bytes) -> Self {
        Self {
            payload,
            ..Self::default()
        }
    }
}

/// The result of an invocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invoked {
    /// `x-amzn-RequestId`, and `Lambda-Runtime-Aws-Request-Id` for the function.
    pub request_id: String,
    /// How the invocation ended.
    pub outcome: Outcome,
    /// The last 4 KB of its log, if the request asked for them.
    pub log_tail: Option<Vec<u8>>,
}
