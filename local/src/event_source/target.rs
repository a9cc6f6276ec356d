//! What a mapping needs of a function.

use async_trait::async_trait;
use bytes::Bytes;

use crate::lambda::{Function, Outcome, outcome::FunctionError};

/// How an invocation ended, as far as a mapping can know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// The function returned this.
    Success(Bytes),
    /// The function failed: this uses up a retry.
    FunctionError(FunctionError),
    /// There was no room for the invocation: it is repeated without end.
    Throttled,
    /// The payload is larger than the endpoint takes.
    TooLarge,
    /// The endpoint did not answer, or not as an invoke endpoint does: it is
    /// repeated without end.
    Unavailable(String),
}

/// Something that can be invoked.
#[async_trait]
pub trait Target: Send + Sync {
    /// Its ARN or URL, for messages and failure documents.
    fn name(&self) -> String;

    /// Invokes it with an event and waits for how it ends.
    async fn invoke(&self, event: Bytes) -> Reply;
}

#[async_trait]
impl Target for Function {
    fn name(&self) -> String {
        self.config().arn()
    }

    async fn invoke(&self, event: Bytes) -> Reply {
        match Function::invoke(self, event).await.outcome {
            Outcome::Success(payload) => Reply::Success(payload),
            Outcome::FunctionError(error) => Reply::FunctionError(error),
            Outcome::Throttled => Reply::Throttled,
            Outcome::TooLarge { .. } => Reply::TooLarge,
        }
    }
}
