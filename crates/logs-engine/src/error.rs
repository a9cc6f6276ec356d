//! What the API refuses, and why.

use aws_wire::error::AwsError;

/// An error of `CloudWatch` Logs (API reference, "Common Errors" and each operation).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LogsError {
    #[error("The specified log group does not exist.")]
    NoSuchGroup,
    #[error("The specified log stream does not exist.")]
    NoSuchStream,
    #[error("The specified log group already exists")]
    GroupExists,
    #[error("The specified log stream already exists")]
    StreamExists,
    #[error("{0}")]
    Parameter(String),
}

impl From<LogsError> for AwsError {
    fn from(error: LogsError) -> Self {
        let code = match error {
            LogsError::NoSuchGroup | LogsError::NoSuchStream => "ResourceNotFoundException",
            LogsError::GroupExists | LogsError::StreamExists => "ResourceAlreadyExistsException",
            LogsError::Parameter(_) => "InvalidParameterException",
        };
        Self::client(code, error.to_string())
    }
}

/// `InvalidParameterException` with AWS's wording for a broken constraint.
pub(crate) fn constraint(value: &str, member: &str, constraint: &str) -> LogsError {
    LogsError::Parameter(format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy \
         constraint: Member must {constraint}"
    ))
}
