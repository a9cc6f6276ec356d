use aws_wire::service::{Call, Service};
use http::HeaderMap;
use http_body_util::BodyExt;
use serde_json::Value;

use crate::{Clock, Logs, Options};

/// When a fixture's clock starts: 2023-11-14T22:13:20Z, in milliseconds.
pub(super) const START: u64 = 1_700_000_000_000;

pub(super) const GROUP: &str = "/aws/lambda/orders";

pub(super) struct Fixture {
    pub(super) logs: Logs,
    pub(super) clock: Clock,
}

impl Fixture {
    /// An engine on tokio's paused clock.
    pub(super) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(super) fn with(change: impl FnOnce(&mut Options)) -> Self {
        let clock = Clock::tokio_from(START * 1000);
        let mut options = Options {
            clock: clock.clone(),
            ..Options::default()
        };
        change(&mut options);
        Self {
            logs: Logs::new(options),
            clock,
        }
    }

    /// The status and the body of a reply.
    pub(super) async fn call(&self, operation: &str, request: Value) -> (u16, Value) {
        let call = Call::new(operation, HeaderMap::new(), request.to_string());
        let reply = match self.logs.call(call).await {
            Ok(reply) => reply,
            Err(error) => axum_core::response::IntoResponse::into_response(error),
        };
        let status = reply.status().as_u16();
        let body = reply.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    /// The body of a reply that must succeed.
    pub(super) async fn get(&self, operation: &str, request: Value) -> Value {
        let (status, body) = self.call(operation, request).await;
        assert_eq!(status, 200, "{operation}: {body}");
        body
    }

    /// The code and the message of a reply that must fail.
    pub(super) async fn refused(&self, operation: &str, request: Value) -> (String, String) {
        let (status, body) = self.call(operation, request).await;
        assert_eq!(status, 400, "{operation}: {body}");
        let text = |name: &str| body[name].as_str().unwrap().to_owned();
        (text("__type"), text("message"))
    }
}

/// The messages of a reply with events.
pub(super) fn messages(reply: &Value) -> Vec<&str> {
    let events = reply["events"].as_array().unwrap();
    let messages = events
        .iter()
        .map(|event| event["message"].as_str().unwrap());
    messages.collect()
}
