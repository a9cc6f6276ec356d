//! A function's response as it comes in: whole, or streamed (Lambda developer
//! guide, "Building a custom runtime", "Response streaming").

use axum::body::Body;
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body_util::BodyExt;
use serde_json::Value;
use tokio::sync::mpsc;

use super::{
    MAX_PAYLOAD, MAX_STREAM,
    outcome::{ErrorKind, FunctionError},
    runtime_api::Answer,
};

/// By this header a runtime says that it streams.
const MODE: &str = "lambda-runtime-function-response-mode";

/// The trailers by which a stream says that the function has failed on the way.
const ERROR_TYPE: &str = "lambda-runtime-function-error-type";
const ERROR_BODY: &str = "lambda-runtime-function-error-body";

/// Reads a response to its end. Where it is streamed and `chunks` is there, its
/// pieces go there as they come, and the answer is empty.
pub(super) async fn read(
    headers: &HeaderMap,
    mut body: Body,
    chunks: Option<mpsc::Sender<Bytes>>,
) -> Answer {
    let streamed = headers.get(MODE).is_some_and(|mode| mode == "streaming");
    let chunks = chunks.filter(|_| streamed);
    let most = if chunks.is_some() {
        MAX_STREAM
    } else {
        MAX_PAYLOAD
    };
    let (mut size, mut whole) = (0, BytesMut::new());
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| broken_off(&error))?;
        let data = match frame.into_data() {
            Ok(data) => data,
            Err(other) => {
                if let Some(error) = other.trailers_ref().and_then(failure) {
                    return Err(error);
                }
                continue;
            }
        };
        size += data.len();
        if size > most {
            return Err(too_large(most));
        }
        match &chunks {
            // A client that has gone away hinders no function.
            Some(chunks) => drop(chunks.send(data).await),
            None => whole.extend_from_slice(&data),
        }
    }
    Ok(whole.freeze())
}

fn failure(trailers: &HeaderMap) -> Option<FunctionError> {
    let error_type = trailers.get(ERROR_TYPE)?.to_str().ok()?;
    let body = trailers.get(ERROR_BODY).and_then(|body| {
        let body = BASE64_STANDARD.decode(body).ok()?;
        serde_json::from_slice::<Value>(&body).ok()
    });
    Some(match body {
        Some(body) => FunctionError {
            kind: ErrorKind::Handled,
            payload: Bytes::from(body.to_string()),
        },
        None => FunctionError::new(
            ErrorKind::Handled,
            error_type,
            "the function failed while its response was under way",
        ),
    })
}

fn broken_off(error: &axum::Error) -> FunctionError {
    let message = format!("the response broke off: {error}");
    FunctionError::new(ErrorKind::Handled, "Runtime.TruncatedResponse", &message)
}

fn too_large(most: usize) -> FunctionError {
    let message =
        format!("Response payload size exceeded maximum allowed payload size ({most} bytes).");
    FunctionError::new(
        ErrorKind::ResponseTooLarge,
        "Function.ResponseSizeTooLarge",
        &message,
    )
}
