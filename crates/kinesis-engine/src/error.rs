//! The exceptions of Kinesis, named as in the API reference.

use http::StatusCode;

use aws_wire::{error::AwsError, format::FormatError};

/// A refusal by Kinesis. Each variant is the exception of the same name in the
/// API reference; its text is the message for a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KinesisError {
    /// A member breaks its declared constraint ("Common Errors").
    #[error("{0}")]
    Validation(String),
    /// A value is well formed and cannot be used.
    #[error("{0}")]
    InvalidArgument(String),
    /// The stream, shard or consumer does not exist.
    #[error("{0}")]
    ResourceNotFound(String),
    /// The stream or consumer is not in a state that allows the operation.
    #[error("{0}")]
    ResourceInUse(String),
    /// A limit of the account or of the stream is reached.
    #[error("{0}")]
    LimitExceeded(String),
    /// A shard's throughput is used up.
    #[error("{0}")]
    ThroughputExceeded(String),
    /// A shard iterator is older than five minutes.
    #[error("{0}")]
    ExpiredIterator(String),
    /// A pagination token is older than five minutes.
    #[error("{0}")]
    ExpiredNextToken(String),
    /// The request's body cannot be read.
    #[error("{0}")]
    Serialization(String),
    /// Something failed on this side; SDKs retry it.
    #[error("{0}")]
    Internal(String),
}

impl KinesisError {
    /// The exception's name on the wire.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Validation(_) => "ValidationException",
            Self::InvalidArgument(_) => "InvalidArgumentException",
            Self::ResourceNotFound(_) => "ResourceNotFoundException",
            Self::ResourceInUse(_) => "ResourceInUseException",
            Self::LimitExceeded(_) => "LimitExceededException",
            Self::ThroughputExceeded(_) => "ProvisionedThroughputExceededException",
            Self::ExpiredIterator(_) => "ExpiredIteratorException",
            Self::ExpiredNextToken(_) => "ExpiredNextTokenException",
            Self::Serialization(_) => "SerializationException",
            Self::Internal(_) => "InternalFailure",
        }
    }
}

impl From<FormatError> for KinesisError {
    fn from(error: FormatError) -> Self {
        match error {
            FormatError::Constraint(message) => Self::Validation(message),
            FormatError::Syntax(message) => Self::Serialization(message),
            FormatError::Unwritable(message) => Self::Internal(message),
        }
    }
}

impl From<KinesisError> for AwsError {
    fn from(error: KinesisError) -> Self {
        let status = match error {
            KinesisError::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        };
        Self {
            status,
            code: error.code(),
            message: error.to_string(),
        }
    }
}
