//! Why a load cannot write.

/// A fatal error: a retry cannot help.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The stream does not exist.
    #[error("stream {stream} does not exist")]
    NoStream {
        /// The stream's name.
        stream: String,
    },
    /// Kinesis cannot be reached, or refused the request.
    #[error("cannot write to stream {stream}: {reason}")]
    Refused {
        /// The stream's name.
        stream: String,
        /// The whole chain of causes.
        reason: String,
    },
}

impl WriteError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoStream { .. } => "create it, or choose another one",
            Self::Refused { .. } => "check AWS_ENDPOINT_URL, AWS_REGION and the AWS credentials",
        }
    }
}

/// An error with all of its causes.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
