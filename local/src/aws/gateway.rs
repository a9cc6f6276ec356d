//! One port for all services: `X-Amz-Target` says which one a request is for.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use aws_wire::{
    error::AwsError,
    format::Format,
    service::{Call, Protocol, Service},
};
use axum::{
    Router,
    body::to_bytes,
    extract::{Request, State},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Map, Value, json};

/// The largest request body taken, bytes: the 10 MiB of `PutRecords` (API
/// reference) in base64, with room for keys.
const MAX_BODY: usize = 20 * 1024 * 1024;

/// A service and one of its operations, such as `DynamoDB` and `GetItem`.
type Operation = (&'static str, &'static str);

/// How often each operation was called.
#[derive(Debug, Default)]
pub struct CallCounts(Mutex<BTreeMap<Operation, u64>>);

impl CallCounts {
    /// How often `operation` of `service` was called.
    #[must_use]
    pub fn of(&self, service: &str, operation: &str) -> u64 {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = |(called, _): &(&Operation, &u64)| **called == (service, operation);
        counts.iter().find(count).map_or(0, |(_, count)| *count)
    }

    fn count(&self, operation: Operation) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(operation).or_default() += 1;
    }
}

/// The services, and how a request finds its own.
pub struct Gateway {
    services: Vec<Arc<dyn Service>>,
    counts: Arc<CallCounts>,
}

impl Gateway {
    /// A gateway in front of `services`.
    #[must_use]
    pub fn new(services: Vec<Arc<dyn Service>>) -> Self {
        Self {
            services,
            counts: Arc::default(),
        }
    }

    /// The counts of calls, which continue to grow.
    #[must_use]
    pub fn counts(&self) -> Arc<CallCounts> {
        self.counts.clone()
    }

    /// The HTTP surface: AWS calls on every path, health as LocalStack spells it.
    pub fn router(self) -> Router {
        let state = Arc::new(self);
        Router::new()
            .route("/_localstack/health", get(health))
            .fallback(dispatch)
            .with_state(state)
    }

    fn find(&self, target: &str) -> Result<(&Arc<dyn Service>, &'static str), AwsError> {
        let (prefix, wanted) = target.split_once('.').unwrap_or((target, ""));
        let service = self
            .services
            .iter()
            .find(|service| service.target_prefixes().contains(&prefix))
            .ok_or_else(|| self.unknown(&format!("no service here is called {prefix:?}")))?;
        let operations = service.operations().iter();
        let operation = operations.copied().find(|served| *served == wanted);
        let operation = operation.ok_or_else(|| {
            let message = format!(
                "{} here does not serve {wanted:?}; it serves {}",
                service.name(),
                service.operations().join(", ")
            );
            AwsError::client("UnknownOperationException", message)
        })?;
        Ok((service, operation))
    }

    fn unknown(&self, what: &str) -> AwsError {
        let served: Vec<_> = self
            .services
            .iter()
            .map(|service| {
                format!(
                    "{} ({})",
                    service.name(),
                    service.target_prefixes().join(", ")
                )
            })
            .collect();
        AwsError::client(
            "UnknownOperationException",
            format!("{what}; served here: {}", served.join(", ")),
        )
    }
}

async fn health(State(gateway): State<Arc<Gateway>>) -> Response {
    let services: Map<String, Value> = gateway
        .services
        .iter()
        .map(|service| (service.name().to_lowercase(), json!("running")))
        .collect();
    let body =
        json!({ "services": services, "edition": "local", "version": env!("CARGO_PKG_VERSION") });
    axum::Json(body).into_response()
}

async fn dispatch(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    // A client reads errors in the format that it writes.
    let format = Format::of(request.headers());
    let mut reply = match route(&gateway, request).await {
        Ok(reply) => reply,
        Err(error) => format.error(error),
    };
    // Every AWS reply carries a request id; SDKs put it into their errors.
    let id = uuid::Uuid::new_v4().to_string();
    if let Ok(value) = HeaderValue::from_str(&id) {
        reply
            .headers_mut()
            .entry("x-amzn-requestid")
            .or_insert(value);
    }
    reply
}

async fn route(gateway: &Gateway, request: Request) -> Result<Response, AwsError> {
    let (parts, body) = request.into_parts();
    let target = target(&parts.headers).ok_or_else(|| {
        gateway.unknown(&format!(
            "{} {} has no X-Amz-Target header",
            parts.method,
            parts.uri.path()
        ))
    })?;
    let (service, operation) = gateway.find(&target)?;
    let body = to_bytes(body, MAX_BODY).await.map_err(|error| AwsError {
        status: StatusCode::PAYLOAD_TOO_LARGE,
        code: "RequestEntityTooLargeException",
        message: format!("{target}: the body cannot be read, or is over {MAX_BODY} bytes: {error}"),
    })?;
    gateway.counts.count((service.name(), operation));
    tracing::debug!(%target, bytes = body.len(), "aws call");
    let call = Call {
        operation: operation.to_owned(),
        protocol: Protocol::of(&parts.headers, &parts.uri),
        headers: parts.headers,
        body,
        uri: parts.uri,
    };
    service.call(call).await
}

fn target(headers: &HeaderMap) -> Option<String> {
    headers
        .get("x-amz-target")
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned)
}
