//! gRPC's way to say no, with Momento's `err` metadata.

/// A gRPC error reply.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code:?}: {message}")]
pub struct Status {
    /// gRPC's code.
    pub code: Code,
    /// For a person.
    pub message: String,
    /// Momento's `err` metadata: the SDK words its error after it.
    pub err: Option<&'static str>,
}

/// The gRPC status codes that Momento uses; the numbers are gRPC's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // the names are gRPC's
pub enum Code {
    InvalidArgument = 3,
    DeadlineExceeded = 4,
    NotFound = 5,
    AlreadyExists = 6,
    PermissionDenied = 7,
    ResourceExhausted = 8,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
    Unauthenticated = 16,
}

impl Status {
    /// A status without `err` metadata.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            err: None,
        }
    }
}
