//! Replies and errors in the form that Lambda's clients parse.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::OPERATIONS;
use crate::mappings::{document::Unsuited, registry::RegistryError};

/// A reply, or an error.
pub(super) type Reply = Result<Response, LambdaError>;

/// An error reply: a status, an exception's name and a message.
#[derive(Debug)]
pub(super) struct LambdaError {
    status: StatusCode,
    code: &'static str,
    message: String,
}

/// A JSON document with a status.
pub(super) fn document(status: StatusCode, document: impl serde::Serialize) -> Response {
    with_id((status, Json(document)).into_response())
}

/// A reply without a body.
pub(super) fn empty(status: StatusCode) -> Response {
    with_id(status.into_response())
}

fn with_id(mut reply: Response) -> Response {
    if let Ok(id) = HeaderValue::from_str(&Uuid::new_v4().to_string()) {
        reply.headers_mut().insert("x-amzn-requestid", id);
    }
    reply
}

impl LambdaError {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
        }
    }

    /// A parameter that the operation refuses.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        let status = StatusCode::BAD_REQUEST;
        Self::new(status, "InvalidParameterValueException", message)
    }

    /// A value outside the bounds of the API's model.
    pub(super) fn validation(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "ValidationException", message)
    }

    /// A body that is not JSON.
    pub(super) fn content(message: impl Into<String>) -> Self {
        let status = StatusCode::BAD_REQUEST;
        Self::new(status, "InvalidRequestContentException", message)
    }

    /// A resource that does not exist.
    pub(super) fn not_found(message: impl Into<String>) -> Self {
        let status = StatusCode::NOT_FOUND;
        Self::new(status, "ResourceNotFoundException", message)
    }

    /// A resource that is changing, or exists already.
    pub(super) fn conflict(message: impl Into<String>) -> Self {
        let status = StatusCode::CONFLICT;
        Self::new(status, "ResourceConflictException", message)
    }

    /// A mapping that is changing (API reference: HTTP 400).
    pub(super) fn in_use(message: impl Into<String>) -> Self {
        let status = StatusCode::BAD_REQUEST;
        Self::new(status, "ResourceInUseException", message)
    }

    /// A `RevisionId` of another revision.
    pub(super) fn precondition(message: impl Into<String>) -> Self {
        let status = StatusCode::PRECONDITION_FAILED;
        Self::new(status, "PreconditionFailedException", message)
    }

    /// An error of this side, which SDKs retry.
    pub(super) fn service(message: impl Into<String>) -> Self {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self::new(status, "ServiceException", message)
    }

    /// An operation that is not served.
    pub(super) fn not_served(what: &str) -> Self {
        let message = format!(
            "klocal does not serve {what} of Lambda; of Lambda it serves {}",
            OPERATIONS.join(", ")
        );
        let status = StatusCode::BAD_REQUEST;
        Self::new(status, "UnknownOperationException", message)
    }
}

impl From<Unsuited> for LambdaError {
    fn from(unsuited: Unsuited) -> Self {
        Self::new(StatusCode::BAD_REQUEST, unsuited.code, unsuited.message)
    }
}

impl From<RegistryError> for LambdaError {
    fn from(error: RegistryError) -> Self {
        match error {
            RegistryError::NotFound => {
                Self::not_found("The resource you requested does not exist.")
            }
            // The handlers, which know the operation and the mapping, say more.
            RegistryError::Exists(_) => Self::conflict(error.to_string()),
            RegistryError::InUse => Self::in_use(error.to_string()),
            RegistryError::NoFunction(_) => Self::invalid("Function does not exist"),
            RegistryError::Keep(_) => Self::service(error.to_string()),
        }
    }
}

impl IntoResponse for LambdaError {
    /// The exception's name in `x-amzn-errortype`. Lambda's model has `message` in some
    /// exceptions and `Message` in others; clients read either.
    fn into_response(self) -> Response {
        let kind = if self.status.is_server_error() {
            "Service"
        } else {
            "User"
        };
        let member = match self.code {
            "InvalidParameterValueException"
            | "ResourceConflictException"
            | "ValidationException"
            | "InvalidRequestContentException" => "message",
            _ => "Message",
        };
        let mut body = json!({ "Type": kind });
        body[member] = Value::String(self.message);
        let mut reply = document(self.status, body);
        let headers = reply.headers_mut();
        headers.insert("x-amzn-errortype", HeaderValue::from_static(self.code));
        reply
    }
}
