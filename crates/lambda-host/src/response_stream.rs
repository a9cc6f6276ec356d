//! The reply to `InvokeWithResponseStream`: `PayloadChunk` events, then `InvokeComplete` (API
//! reference).

use std::convert::Infallible;

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use http::StatusCode;
use serde_json::{Value, json};
use tokio::{
    sync::mpsc,
    task::{JoinError, JoinHandle},
};

use super::{Invoked, invoke_api, outcome::Outcome};
use aws_wire::event_stream;

/// What a reply sends next.
enum Next {
    Chunks(mpsc::Receiver<Bytes>, JoinHandle<Invoked>),
    Rest(Invoked),
    Over,
}

/// Waits for the first chunk before it replies: an invocation that is refused gets an HTTP
/// status, not an event.
pub(super) async fn reply(
    mut chunks: mpsc::Receiver<Bytes>,
    invoked: JoinHandle<Invoked>,
) -> Response {
    let (first, next) = match chunks.recv().await {
        Some(bytes) => (Some(bytes), Next::Chunks(chunks, invoked)),
        None => match invoked.await {
            Ok(invoked) => match invoked.outcome {
                Outcome::Throttled | Outcome::TooLarge { .. } => {
                    return invoke_api::reply(invoked);
                }
                _ => (None, Next::Rest(invoked)),
            },
            Err(_) => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        },
    };
    let first = first.map(|bytes| Ok::<_, Infallible>(chunk(&bytes)));
    let rest = stream::unfold(next, following);
    let headers = [
        ("content-type", event_stream::CONTENT_TYPE),
        ("x-amz-executed-version", "$LATEST"),
    ];
    let body = stream::iter(first).chain(rest);
    (headers, Body::from_stream(body)).into_response()
}

async fn following(next: Next) -> Option<(Result<Bytes, Infallible>, Next)> {
    let invoked = match next {
        Next::Chunks(mut chunks, invoked) => match chunks.recv().await {
            Some(bytes) => return Some((Ok(chunk(&bytes)), Next::Chunks(chunks, invoked))),
            None => invoked.await,
        },
        Next::Rest(invoked) => Ok(invoked),
        Next::Over => return None,
    };
    Some((Ok(ending(invoked)), Next::Over))
}

/// The answer of a function that does not stream, and the last event.
fn ending(invoked: Result<Invoked, JoinError>) -> Bytes {
    let mut messages = Vec::new();
    let mut complete = json!({ "ErrorCode": null, "ErrorDetails": null, "LogResult": null });
    match invoked {
        Ok(invoked) => {
            complete["LogResult"] =
                json!(invoked.log_tail.map(|tail| BASE64_STANDARD.encode(tail)));
            match invoked.outcome {
                Outcome::Success(payload) if payload.is_empty() => {}
                Outcome::Success(payload) => messages.extend_from_slice(&chunk(&payload)),
                Outcome::FunctionError(error) => {
                    let document: Value =
                        serde_json::from_slice(&error.payload).unwrap_or_default();
                    let code = document["errorType"].as_str().unwrap_or("Unhandled");
                    complete["ErrorCode"] = json!(code);
                    complete["ErrorDetails"] = json!(error.text());
                }
                // `reply` has handled both.
                Outcome::Throttled | Outcome::TooLarge { .. } => {}
            }
        }
        Err(stopped) => {
            complete["ErrorCode"] = json!("ServiceException");
            complete["ErrorDetails"] = json!(stopped.to_string());
        }
    }
    let complete = complete.to_string();
    messages.extend(event_stream::event(
        "InvokeComplete",
        "application/json",
        complete.as_bytes(),
    ));
    messages.into()
}

fn chunk(bytes: &Bytes) -> Bytes {
    event_stream::event("PayloadChunk", "application/octet-stream", bytes).into()
}
