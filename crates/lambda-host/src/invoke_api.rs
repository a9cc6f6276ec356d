//! The Invoke API over HTTP, on the paths that AWS and its Runtime Interface
//! Emulator use (API reference, `Invoke`, `InvokeWithResponseStream`).

use std::sync::Arc;

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
use serde_json::json;
use tokio::sync::mpsc;

use super::{
    MAX_PAYLOAD, asynchronous,
    function::{Function, Functions, Invoked, Request},
    outcome::{FunctionError, Outcome},
    response_stream,
    to_the_end::ToTheEnd,
};

/// The name by which AWS's Runtime Interface Emulator calls its one function.
const RIE_NAME: &str = "function";

/// The HTTP surface in front of `functions`.
pub fn router(functions: Functions) -> Router {
    Router::new()
        .route("/2015-03-31/functions/{name}/invocations", post(invoke))
        .route(
            "/2021-11-15/functions/{name}/response-streaming-invocations",
            post(invoke_with_response_stream),
        )
        .route("/_local/health", get(|| async { "ok" }))
        .with_state(functions)
}

async fn invoke(
    State(functions): State<Functions>,
    Path(name): Path<String>,
    request: http::Request<Body>,
) -> Response {
    let Some(function) = find(&functions, &name) else {
        return unknown(&functions, &name);
    };
    let invocation_type = text(request.headers(), "x-amz-invocation-type");
    let Some(request) = read(request, None).await else {
        return too_large();
    };
    match invocation_type.as_deref() {
        None | Some("RequestResponse") => {
            let function = function.clone();
            // A client that goes away ends no invocation.
            reply(ToTheEnd::new(async move { function.invoke(request).await }).await)
        }
        Some("DryRun") => StatusCode::NO_CONTENT.into_response(),
        Some("Event") => {
            asynchronous::invoke(function.clone(), request);
            StatusCode::ACCEPTED.into_response()
        }
        Some(other) => error(
            StatusCode::BAD_REQUEST,
            "InvalidParameterValueException",
            &format!(
                "X-Amz-Invocation-Type is {other:?}; expected RequestResponse, Event or DryRun"
            ),
        ),
    }
}

/// The response as event-stream messages, one for each piece that the function
/// writes.
async fn invoke_with_response_stream(
    State(functions): State<Functions>,
    Path(name): Path<String>,
    request: http::Request<Body>,
) -> Response {
    let Some(function) = find(&functions, &name) else {
        return unknown(&functions, &name);
    };
    let (send, chunks) = mpsc::channel(1);
    let Some(request) = read(request, Some(send)).await else {
        return too_large();
    };
    let function = function.clone();
    let invoked = tokio::spawn(async move { function.invoke(request).await });
    response_stream::reply(chunks, invoked).await
}

/// What is asked of the function, whose pieces go to `chunks`; none where the
/// payload is too large.
async fn read(
    request: http::Request<Body>,
    chunks: Option<mpsc::Sender<Bytes>>,
) -> Option<Request> {
    let (parts, body) = request.into_parts();
    Some(Request {
        payload: to_bytes(body, MAX_PAYLOAD).await.ok()?,
        client_context: text(&parts.headers, "x-amz-client-context"),
        log_tail: text(&parts.headers, "x-amz-log-type").as_deref() == Some("Tail"),
        chunks,
    })
}

/// By name, by ARN, with a version or alias behind it, or by RIE's name where
/// there is just one.
fn find<'a>(functions: &'a Functions, name: &str) -> Option<&'a Arc<Function>> {
    let name = match name.split_once(":function:") {
        Some((_, name)) => name,
        None => name,
    };
    let name = name.split(':').next().unwrap_or(name);
    functions.get(name).or_else(|| {
        let mut all = functions.values();
        match (name, all.next(), all.next()) {
            (RIE_NAME, Some(only), None) => Some(only),
            _ => None,
        }
    })
}

pub(super) fn reply(invoked: Invoked) -> Response {
    let mut reply = match invoked.outcome {
        Outcome::Success(payload) => (StatusCode::OK, payload).into_response(),
        Outcome::FunctionError(FunctionError { payload, .. }) => (
            StatusCode::OK,
            [("X-Amz-Function-Error", "Unhandled")],
            payload,
        )
            .into_response(),
        Outcome::Throttled => {
            return error(
                StatusCode::TOO_MANY_REQUESTS,
                "TooManyRequestsException",
                "Rate Exceeded: all of the function's environments are busy.",
            );
        }
        Outcome::TooLarge { .. } => return too_large(),
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
    reply
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
    )
}

fn too_large() -> Response {
    error(
        StatusCode::PAYLOAD_TOO_LARGE,
        "RequestTooLargeException",
        &format!(
            "Request must be smaller than {MAX_PAYLOAD} bytes for the InvokeFunction operation"
        ),
    )
}

fn error(status: StatusCode, code: &'static str, message: &str) -> Response {
    let body = Json(json!({ "Type": "User", "Message": message }));
    (status, [("x-amzn-errortype", code)], body).into_response()
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned)
}
