//! The Invoke API over HTTP, on the paths that AWS and its Runtime Interface
//! Emulator use (API reference, `Invoke`, `InvokeWithResponseStream`).

use std::sync::{Arc, OnceLock};

use axum::{
    Json, Router,
    body::{Body, to_bytes},
    extract::{Path, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::de::IgnoredAny;
use serde_json::json;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::{
    Function, Functions, Invoked, MAX_ASYNC_PAYLOAD, MAX_PAYLOAD, Request, asynchronous,
    client_context,
    observer::Invoker,
    outcome::{FunctionError, Outcome},
    response_stream,
    to_the_end::ToTheEnd,
};

/// The name that AWS's Runtime Interface Emulator gives its only function.
const RIE_NAME: &str = "function";

/// Functions that may be built after their port listens; before that, there are none.
#[derive(Clone, Default)]
pub struct LateFunctions(Arc<OnceLock<Functions>>);

impl LateFunctions {
    /// Serves `functions` from now on; a second call changes nothing.
    pub fn set(&self, functions: Functions) {
        let _ = self.0.set(functions);
    }

    /// The functions that are there now.
    #[must_use]
    pub fn get(&self) -> Functions {
        self.0.get().cloned().unwrap_or_default()
    }
}

/// The Invoke API of `functions`, and `/_local/health`.
pub fn router(functions: Functions) -> Router {
    let late = LateFunctions::default();
    late.set(functions);
    routes(late).route("/_local/health", get(|| async { "ok" }))
}

/// The Invoke API alone, to be merged with other paths.
pub fn routes(functions: LateFunctions) -> Router {
    Router::new()
        .route("/2015-03-31/functions/{name}/invocations", post(invoke))
        .route(
            "/2021-11-15/functions/{name}/response-streaming-invocations",
            post(invoke_with_response_stream),
        )
        .with_state(functions)
}

async fn invoke(
    State(functions): State<LateFunctions>,
    Path(name): Path<String>,
    request: http::Request<Body>,
) -> Response {
    let functions = functions.get();
    let Some(function) = find(&functions, &name) else {
        return unknown(&functions, &name);
    };
    let invocation_type = text(request.headers(), "x-amz-invocation-type");
    let most = match invocation_type.as_deref() {
        Some("Event") => MAX_ASYNC_PAYLOAD,
        _ => MAX_PAYLOAD,
    };
    let request = match read(request, most).await {
        Ok(request) => request,
        Err(refusal) => return *refusal,
    };
    let id = request.request_id.clone().unwrap_or_default();
    match invocation_type.as_deref() {
        None | Some("RequestResponse") => {
            let function = function.clone();
            // A client that goes away ends no invocation.
            reply(ToTheEnd::new(async move { function.invoke(request).await }).await)
        }
        Some("DryRun") => with_id(StatusCode::NO_CONTENT.into_response(), &id),
        Some("Event") => {
            if asynchronous::invoke(function.clone(), request) {
                with_id(StatusCode::ACCEPTED.into_response(), &id)
            } else {
                let why = "too many asynchronous events of this function are waiting";
                throttled(why, &id)
            }
        }
        Some(other) => error(
            StatusCode::BAD_REQUEST,
            "InvalidParameterValueException",
            &format!(
                "X-Amz-Invocation-Type is {other:?}; expected RequestResponse, Event or DryRun"
            ),
            &id,
        ),
    }
}

/// Replies with event-stream messages, one for each chunk that the function writes.
async fn invoke_with_response_stream(
    State(functions): State<LateFunctions>,
    Path(name): Path<String>,
    request: http::Request<Body>,
) -> Response {
    let functions = functions.get();
    let Some(function) = find(&functions, &name) else {
        return unknown(&functions, &name);
    };
    let (send, chunks) = mpsc::channel(1);
    let request = match read(request, MAX_PAYLOAD).await {
        Ok(request) => Request {
            chunks: Some(send),
            ..request
        },
        Err(refusal) => return *refusal,
    };
    let id = request.request_id.clone().unwrap_or_default();
    let function = function.clone();
    let invoked = tokio::spawn(async move { function.invoke(request).await });
    with_id(response_stream::reply(chunks, invoked).await, &id)
}

/// Reads an invocation whose payload has at most `most` bytes; the error is the reply.
async fn read(request: http::Request<Body>, most: usize) -> Result<Request, Box<Response>> {
    let (parts, body) = request.into_parts();
    let Ok(payload) = to_bytes(body, most).await else {
        return Err(Box::new(too_large(most, &new_id())));
    };
    let context = parts.headers.get("x-amz-client-context").map(|value| {
        client_context::decode(value.as_bytes()).ok_or_else(|| {
            let why = "Client context must be a valid Base64-encoded JSON object.";
            Box::new(invalid_content(why))
        })
    });
    Ok(Request {
        payload: event(payload)?,
        request_id: Some(new_id()),
        client_context: context.transpose()?,
        trace_id: text(&parts.headers, "x-amzn-trace-id"),
        log_tail: text(&parts.headers, "x-amz-log-type").as_deref() == Some("Tail"),
        chunks: None,
        invoker: Invoker::Request,
    })
}

/// A payload that is JSON; `{}` where there is none, as Lambda passes it.
fn event(payload: Bytes) -> Result<Bytes, Box<Response>> {
    if payload.is_empty() {
        return Ok(Bytes::from_static(b"{}"));
    }
    let parsed = match std::str::from_utf8(&payload) {
        Ok(text) => serde_json::from_str::<IgnoredAny>(text).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    match parsed {
        Ok(IgnoredAny) => Ok(payload),
        Err(why) => Err(Box::new(invalid_content(&format!(
            "Could not parse request body into json: {why}"
        )))),
    }
}

/// Finds a function by name, partial ARN or ARN, each with or without a version or alias
/// (API reference, `Invoke`, `FunctionName`). There is one version, and every qualifier names
/// it.
#[must_use]
pub fn named<'a>(functions: &'a Functions, name: &str) -> Option<&'a Arc<Function>> {
    let name = match name.split_once(":function:") {
        Some((_, name)) => name,
        None => name,
    };
    functions.get(name.split(':').next().unwrap_or(name))
}

/// Finds a function as [`named`] does, or by RIE's name if there is only one.
fn find<'a>(functions: &'a Functions, name: &str) -> Option<&'a Arc<Function>> {
    named(functions, name).or_else(|| {
        let mut all = functions.values();
        match (named_rie(name), all.next(), all.next()) {
            (true, Some(only), None) => Some(only),
            _ => None,
        }
    })
}

fn named_rie(name: &str) -> bool {
    let name = name
        .rsplit_once(":function:")
        .map_or(name, |(_, name)| name);
    name.split(':').next() == Some(RIE_NAME)
}

pub(super) fn reply(invoked: Invoked) -> Response {
    let id = invoked.request_id;
    let mut reply = match invoked.outcome {
        Outcome::Success(payload) => (StatusCode::OK, payload).into_response(),
        Outcome::FunctionError(FunctionError { payload, .. }) => (
            StatusCode::OK,
            [("X-Amz-Function-Error", "Unhandled")],
            payload,
        )
            .into_response(),
        Outcome::Throttled => {
            return throttled("all of the function's environments are busy", &id);
        }
        Outcome::TooLarge { .. } => return too_large(MAX_PAYLOAD, &id),
    };
    let headers = reply.headers_mut();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    headers.insert(
        "x-amz-executed-version",
        HeaderValue::from_static("$LATEST"),
    );
    if let Some(tail) = invoked.log_tail
        && let Ok(tail) = HeaderValue::from_str(&BASE64_STANDARD.encode(tail))
    {
        headers.insert("x-amz-log-result", tail);
    }
    with_id(reply, &id)
}

fn unknown(functions: &Functions, name: &str) -> Response {
    let known: Vec<_> = functions.keys().map(String::as_str).collect();
    error(
        StatusCode::NOT_FOUND,
        "ResourceNotFoundException",
        &format!(
            "Function not found: {name}; functions here: {}",
            known.join(", ")
        ),
        &new_id(),
    )
}

fn too_large(most: usize, id: &str) -> Response {
    error(
        StatusCode::PAYLOAD_TOO_LARGE,
        "RequestTooLargeException",
        &format!("Request must be smaller than {most} bytes for the InvokeFunction operation"),
        id,
    )
}

fn throttled(why: &str, id: &str) -> Response {
    error(
        StatusCode::TOO_MANY_REQUESTS,
        "TooManyRequestsException",
        &format!("Rate Exceeded: {why}."),
        id,
    )
}

fn invalid_content(message: &str) -> Response {
    error(
        StatusCode::BAD_REQUEST,
        "InvalidRequestContentException",
        message,
        &new_id(),
    )
}

fn error(status: StatusCode, code: &'static str, message: &str, id: &str) -> Response {
    let body = Json(json!({ "Type": "User", "Message": message }));
    with_id(
        (status, [("x-amzn-errortype", code)], body).into_response(),
        id,
    )
}

pub(super) fn with_id(mut reply: Response, id: &str) -> Response {
    if let Ok(id) = HeaderValue::from_str(id) {
        reply.headers_mut().insert("x-amzn-requestid", id);
    }
    reply
}

fn new_id() -> String {
    Uuid::new_v4().to_string()
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned)
}
