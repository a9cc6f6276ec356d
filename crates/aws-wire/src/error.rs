//! Errors in the shape that AWS clients parse.

use axum_core::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;

use crate::protocol::Protocol;

/// An error reply of an AWS JSON service: a status, a code and a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct AwsError {
    /// HTTP status: 400 for a client's error, 500 for a server's.
    pub status: StatusCode,
    /// The exception's name, such as `ResourceNotFoundException`.
    pub code: &'static str,
    /// The message for a person.
    pub message: String,
}

impl AwsError {
    /// A client's error (HTTP 400).
    pub fn client(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code,
            message: message.into(),
        }
    }

    /// A server's error (HTTP 500), which SDKs retry.
    pub fn internal(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            code: "InternalFailure",
            message: message.into(),
        }
    }
}

impl IntoResponse for AwsError {
    /// The JSON 1.1 protocol's error form: `__type` and `message` in the body,
    /// the code again in `x-amzn-errortype`.
    fn into_response(self) -> Response {
        Protocol::Json11.error(&self, "")
    }
}

/// The body of an error in JSON and CBOR.
#[derive(Serialize)]
pub(crate) struct ErrorBody<'a> {
    #[serde(rename = "__type")]
    code: &'a str,
    message: &'a str,
}

impl<'a> ErrorBody<'a> {
    pub(crate) fn of(error: &'a AwsError) -> Self {
        Self {
            code: error.code,
            message: &error.message,
        }
    }
}
