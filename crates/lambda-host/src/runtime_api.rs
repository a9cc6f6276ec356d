//! The Lambda Runtime API of one execution environment (Lambda developer guide, "Using the
//! Lambda runtime API").
//!
//! Each environment has a port of its own, as in AWS: `AWS_LAMBDA_RUNTIME_API` is then a plain
//! `host:port`, which every language's runtime understands.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Json, Router,
    body::{Body, Bytes, to_bytes},
    extract::{Path, Request, State},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::{HeaderMap, HeaderName, StatusCode};
use loopback_server::hosts::AllowedHosts;
use serde_json::json;
use time::OffsetDateTime;
use tokio::{net::TcpListener, sync::watch, task::AbortHandle};

use super::{
    MAX_RESPONSE,
    connections::{Connections, Counted},
    exchange::Exchange,
    extensions_api,
    outcome::{ErrorKind, FunctionError},
    response_body,
};

/// A running Runtime API. Dropping it stops it.
pub(super) struct RuntimeApi {
    address: SocketAddr,
    init: watch::Receiver<Init>,
    init_error: Arc<Mutex<Option<Bytes>>>,
    connections: Connections,
    server: AbortHandle,
}

/// The state of the runtime's init.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Init {
    Running,
    /// The runtime has asked for its first invocation.
    Done,
    /// The runtime has posted `/init/error`.
    Failed,
}

pub(super) struct Shared {
    pub(super) function: Arc<str>,
    pub(super) handler: String,
    arn: String,
    timeout: Duration,
    exchange: Arc<Exchange>,
    init: watch::Sender<Init>,
    init_error: Arc<Mutex<Option<Bytes>>>,
}

/// What a Runtime API tells the runtime about its function.
pub(super) struct About {
    pub(super) function: Arc<str>,
    pub(super) handler: String,
    pub(super) arn: String,
    pub(super) timeout: Duration,
}

impl RuntimeApi {
    /// Serves the API on a free loopback port.
    ///
    /// # Errors
    ///
    /// No port is free.
    pub(super) async fn start(about: About, exchange: Arc<Exchange>) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (tell_init, init) = watch::channel(Init::Running);
        let init_error = Arc::new(Mutex::new(None));
        let shared = Arc::new(Shared {
            function: about.function,
            handler: about.handler,
            arn: about.arn,
            timeout: about.timeout,
            exchange,
            init: tell_init,
            init_error: init_error.clone(),
        });
        let connections = Connections::default();
        let listener = Counted::new(listener, connections.clone());
        let server = tokio::spawn(async move {
            let _ = axum::serve(listener, router(shared)).await;
        });
        Ok(Self {
            address,
            init,
            init_error,
            connections,
            server: server.abort_handle(),
        })
    }

    /// `AWS_LAMBDA_RUNTIME_API`.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until the runtime asks for its first invocation, or reports that it cannot.
    pub(super) async fn initialised(&self) -> Init {
        let mut init = self.init.clone();
        // The sender lives as long as the server, which lives as long as this.
        let done = init.wait_for(|init| *init != Init::Running).await;
        done.map_or(Init::Failed, |init| *init)
    }

    /// The document that the runtime posted to `/init/error`.
    pub(super) fn init_error(&self) -> Option<Bytes> {
        let error = self.init_error.lock();
        error.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The connections that the runtime has open.
    pub(super) fn connections(&self) -> Connections {
        self.connections.clone()
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
        .merge(extensions_api::router())
        .with_state(shared)
        .layer(from_fn(let_in))
}

/// Lets in no page of another site: a page could answer invocations otherwise.
async fn let_in(request: Request, next: Next) -> Response {
    let hosts = AllowedHosts::default().or_undotted();
    match hosts.refusal(&request) {
        Some(reason) => refused(StatusCode::FORBIDDEN, "AccessDeniedException", &reason),
        None => next.run(request).await,
    }
}

async fn next(State(shared): State<Arc<Shared>>) -> Response {
    let Some(event) = shared.exchange.next() else {
        return refused(
            StatusCode::FORBIDDEN,
            "InvalidStateTransition",
            "the runtime asked for an invocation before it answered the one that it has",
        );
    };
    shared.init.send_if_modified(|init| {
        let first = *init != Init::Done;
        *init = Init::Done;
        first
    });
    let Ok(event) = event.await else {
        return StatusCode::GONE.into_response();
    };
    // The function's time starts here, when it gets the event.
    let deadline = OffsetDateTime::now_utc() + shared.timeout;
    let mut headers = HeaderMap::new();
    let mut header = |name: &'static str, value: &str| {
        if let Ok(value) = value.parse() {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    header("content-type", "application/json");
    header("lambda-runtime-aws-request-id", &event.request_id);
    header(
        "lambda-runtime-deadline-ms",
        &(deadline.unix_timestamp_nanos() / 1_000_000).to_string(),
    );
    header("lambda-runtime-invoked-function-arn", &shared.arn);
    header("lambda-runtime-trace-id", &event.trace);
    if let Some(context) = &event.client_context {
        header("lambda-runtime-client-context", context);
    }
    (headers, event.payload).into_response()
}

async fn response(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    mut body: Body,
) -> Response {
    let Some(mut answering) = shared.exchange.answering(&id) else {
        return unknown(&id);
    };
    let answer = response_body::read(&headers, &mut body, answering.chunks()).await;
    let oversized = matches!(&answer, Err(error) if error.kind == ErrorKind::ResponseTooLarge);
    answering.finish(answer);
    if oversized {
        // The runtime reads the reply only after it has sent everything.
        response_body::discard(body).await;
        return too_large();
    }
    accepted()
}

async fn error(State(shared): State<Arc<Shared>>, Path(id): Path<String>, body: Body) -> Response {
    let Some(answering) = shared.exchange.answering(&id) else {
        return unknown(&id);
    };
    let body = to_bytes(body, MAX_RESPONSE).await;
    let oversized = body.is_err();
    answering.finish(Err(match body {
        Ok(payload) => FunctionError {
            kind: ErrorKind::Handled,
            payload,
        },
        Err(_) => response_body::too_large(MAX_RESPONSE),
    }));
    if oversized { too_large() } else { accepted() }
}

async fn init_error(State(shared): State<Arc<Shared>>, body: Body) -> Response {
    let Ok(body) = to_bytes(body, MAX_RESPONSE).await else {
        return too_large();
    };
    *shared
        .init_error
        .lock()
        .unwrap_or_else(PoisonError::into_inner) = Some(body);
    shared.init.send_replace(Init::Failed);
    accepted()
}

fn unknown(id: &str) -> Response {
    let message = format!("{id} is not an invocation that waits for an answer");
    refused(StatusCode::BAD_REQUEST, "InvalidRequestID", &message)
}

fn too_large() -> Response {
    let message = format!("Exceeded maximum allowed payload size ({MAX_RESPONSE} bytes).");
    refused(
        StatusCode::PAYLOAD_TOO_LARGE,
        "RequestEntityTooLarge",
        &message,
    )
}

/// An error document of the Runtime and Extensions API.
pub(super) fn refused(status: StatusCode, error_type: &str, message: &str) -> Response {
    let body = json!({ "errorType": error_type, "errorMessage": message });
    (status, Json(body)).into_response()
}

fn accepted() -> Response {
    (StatusCode::ACCEPTED, Json(json!({ "status": "OK" }))).into_response()
}
