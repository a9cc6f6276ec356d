//! The message of a failed AWS SDK call.

use aws_sdk_kinesis::error::{ProvideErrorMetadata, SdkError};

/// The service's message and code; where no service answered, the chain of causes.
pub fn reason<E>(error: SdkError<E>) -> String
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match (error.message(), error.code()) {
        (Some(message), Some(code)) => format!("{message} ({code})"),
        _ => format!("{:#}", anyhow::Error::new(error)),
    }
}
