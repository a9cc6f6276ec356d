//! The Lambda Runtime API of one execution environment, and as much of the
//! Extensions API as the Rust runtime's graceful shutdown uses.
//!
//! Each environment has a port of its own, as in AWS: `AWS_LAMBDA_RUNTIME_API`
//! is then a plain `host:port`, which every language's runtime understands.

use std::{
    collections::HashMap,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, Path, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::{HeaderMap, HeaderName, StatusCode};
use serde_json::json;
use time::OffsetDateTime;
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot, watch},
    task::AbortHandle,
};

use super::{
    MAX_PAYLOAD,
    outcome::{ErrorKind, FunctionError},
    response_body,
};

/// An invocation on its way to the runtime.
#[derive(Debug)]
pub struct Invocation {
    /// The request's id.
    pub request_id: String,
    /// The event.
    pub payload: Bytes,
    /// How long the function has.
    pub timeout: Duration,
    /// `X-Amz-Client-Context` of the request, if any.
    pub client_context: Option<String>,
    /// Where the pieces of a streamed response go.
    pub chunks: Option<mpsc::Sender<Bytes>>,
    /// Where the answer goes.
    pub answer: oneshot::Sender<Answer>,
}

/// An invocation that the runtime has.
struct Current {
    answer: oneshot::Sender<Answer>,
    chunks: Option<mpsc::Sender<Bytes>>,
}

/// What the runtime answers with.
pub type Answer = Result<Bytes, FunctionError>;

/// A running Runtime API. Dropping it stops it.
pub struct RuntimeApi {
    address: SocketAddr,
    invocations: mpsc::Sender<Invocation>,
    ready: watch::Receiver<bool>,
    init_error: Arc<Mutex<Option<Bytes>>>,
    server: AbortHandle,
}

struct Shared {
    function: Arc<str>,
    handler: String,
    arn: String,
    invocations: tokio::sync::Mutex<mpsc::Receiver<Invocation>>,
    /// By request id: a runtime in concurrent mode has several.
    current: Mutex<HashMap<String, Current>>,
    ready: watch::Sender<bool>,
    init_error: Arc<Mutex<Option<Bytes>>>,
}

impl RuntimeApi {
    /// Serves the API for an environment of `function` on a free loopback port.
    ///
    /// # Errors
    ///
    /// No port is to be had.
    pub async fn start(function: Arc<str>, handler: &str, arn: &str) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (invocations, receiver) = mpsc::channel(1);
        let (tell_ready, ready) = watch::channel(false);
        let init_error = Arc::new(Mutex::new(None));
        let shared = Arc::new(Shared {
            function,
            handler: handler.to_owned(),
            arn: arn.to_owned(),
            invocations: tokio::sync::Mutex::new(receiver),
            current: Mutex::default(),
            ready: tell_ready,
            init_error: init_error.clone(),
        });
        let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
            // Small answers would wait for Nagle's algorithm otherwise.
            let _ = stream.set_nodelay(true);
        });
        let server = tokio::spawn(async move {
            let _ = axum::serve(listener, router(shared)).await;
        });
        Ok(Self {
            address,
            invocations,
            ready,
            init_error,
            server: server.abort_handle(),
        })
    }

    /// `AWS_LAMBDA_RUNTIME_API`.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until the runtime asks for its first invocation: init is done.
    pub async fn ready(&self) {
        // The sender lives as long as the server, which lives as long as this.
        let _ = self.ready.clone().wait_for(|ready| *ready).await;
    }

    /// What the runtime said of its failed init, if it did.
    #[must_use]
    pub fn init_error(&self) -> Option<Bytes> {
        let error = self.init_error.lock();
        error.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Hands an invocation to the runtime when it next asks for one.
    pub async fn submit(&self, invocation: Invocation) {
        // It fails only when the server is gone; the answer's sender is then
        // dropped with the invocation, which is how the caller learns of it.
        let _ = self.invocations.send(invocation).await;
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route(
            "/2018-06-01/runtime/invocation/{id}/response",
            post(response),
        )
        .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
        .route("/2018-06-01/runtime/init/error", post(init_error))
        .route("/2020-01-01/extension/register", post(register))
        .route("/2020-01-01/extension/event/next", get(extension_next))
        .layer(DefaultBodyLimit::max(MAX_PAYLOAD))
        .with_state(shared)
}

async fn next(State(shared): State<Arc<Shared>>) -> Response {
    shared.ready.send_replace(true);
    let Some(invocation) = shared.invocations.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    let deadline = OffsetDateTime::now_utc() + invocation.timeout;
    let mut headers = HeaderMap::new();
    let mut header = |name: &'static str, value: &str| {
        if let Ok(value) = value.parse() {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    header("content-type", "application/json");
    header("lambda-runtime-aws-request-id", &invocation.request_id);
    header(
        "lambda-runtime-deadline-ms",
        &(deadline.unix_timestamp_nanos() / 1_000_000).to_string(),
    );
    header("lambda-runtime-invoked-function-arn", &shared.arn);
    header("lambda-runtime-trace-id", &trace_id());
    if let Some(context) = &invocation.client_context {
        header("lambda-runtime-client-context", context);
    }
    let current = Current {
        answer: invocation.answer,
        chunks: invocation.chunks,
    };
    shared.current().insert(invocation.request_id, current);
    (headers, invocation.payload).into_response()
}

async fn response(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let Some(Current { answer, chunks }) = shared.take(&id) else {
        return unknown(&id);
    };
    // A caller that gave up has no use for it.
    let _ = answer.send(response_body::read(&headers, body, chunks).await);
    accepted()
}

async fn error(State(shared): State<Arc<Shared>>, Path(id): Path<String>, body: Bytes) -> Response {
    let error = FunctionError {
        kind: ErrorKind::Handled,
        payload: body,
    };
    let Some(current) = shared.take(&id) else {
        return unknown(&id);
    };
    // A caller that gave up has no use for it.
    let _ = current.answer.send(Err(error));
    accepted()
}

async fn init_error(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    let mut said = shared
        .init_error
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    *said = Some(body);
    accepted()
}

/// The Rust runtime registers an internal extension so that it gets SIGTERM.
async fn register(State(shared): State<Arc<Shared>>) -> Response {
    let body = json!({
        "functionName": &*shared.function,
        "functionVersion": "$LATEST",
        "handler": shared.handler,
    });
    let id = uuid::Uuid::new_v4().to_string();
    ([("Lambda-Extension-Identifier", id)], Json(body)).into_response()
}

/// No event ever comes for an internal extension; the call is held open.
async fn extension_next() -> Response {
    std::future::pending().await
}

impl Shared {
    fn current(&self) -> MutexGuard<'_, HashMap<String, Current>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The invocation of that id, which nobody else answers then.
    fn take(&self, id: &str) -> Option<Current> {
        self.current().remove(id)
    }
}

fn unknown(id: &str) -> Response {
    let body = json!({
        "errorType": "InvalidRequestID",
        "errorMessage": format!("{id} is not the invocation under way"),
    });
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}

fn accepted() -> Response {
    (StatusCode::ACCEPTED, Json(json!({ "status": "OK" }))).into_response()
}

/// An X-Ray trace header of the documented form, not sampled.
fn trace_id() -> String {
    let seconds = OffsetDateTime::now_utc().unix_timestamp();
    let (trace, parent) = (rand::random::<u128>() >> 32, rand::random::<u64>());
    format!("Root=1-{seconds:08x}-{trace:024x};Parent={parent:016x};Sampled=0")
}
