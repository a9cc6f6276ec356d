//! A function in this process as the target of a mapping.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use event_source_mapping::target::{ErrorKind, FunctionError, Reply, Target};
use lambda_host::{Function, Invoked, Outcome, Request, observer::Invoker, outcome};
use uuid::Uuid;

/// Invokes a function without HTTP. When all of its execution environments are busy, the
/// batch waits for its turn.
pub struct FunctionTarget(pub Arc<Function>);

#[async_trait]
impl Target for FunctionTarget {
    fn name(&self) -> String {
        self.0.config().arn()
    }

    async fn invoke(&self, event: Bytes) -> Reply {
        self.invoke_as(&Uuid::new_v4().to_string(), event).await
    }

    async fn invoke_as(&self, request_id: &str, event: Bytes) -> Reply {
        reply(self.0.invoke_when_free(request(request_id, event)).await)
    }

    async fn invoke_within(&self, request_id: &str, event: Bytes, within: Duration) -> Reply {
        let request = request(request_id, event);
        reply(self.0.invoke_within(within, request).await)
    }
}

fn request(request_id: &str, event: Bytes) -> Request {
    Request {
        request_id: Some(request_id.to_owned()),
        invoker: Invoker::Mapping,
        ..event.into()
    }
}

fn reply(invoked: Invoked) -> Reply {
    match invoked.outcome {
        Outcome::Success(payload) => Reply::Success(payload),
        Outcome::FunctionError(error) => Reply::FunctionError(function_error(error)),
        Outcome::Throttled => Reply::Throttled,
        Outcome::TooLarge { .. } => Reply::TooLarge,
    }
}

fn function_error(error: outcome::FunctionError) -> FunctionError {
    FunctionError {
        kind: match error.kind {
            outcome::ErrorKind::Handled => ErrorKind::Handled,
            outcome::ErrorKind::Timeout => ErrorKind::Timeout,
            outcome::ErrorKind::Exit => ErrorKind::Exit,
            outcome::ErrorKind::Init => ErrorKind::Init,
            outcome::ErrorKind::ResponseTooLarge => ErrorKind::ResponseTooLarge,
        },
        payload: error.payload,
    }
}
