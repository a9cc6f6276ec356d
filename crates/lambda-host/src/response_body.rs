//! Reads a function's response, whole or streamed (Lambda developer guide, "Building a custom
//! runtime", "Response streaming").

use axum::body::Body;
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body_util::BodyExt;
use serde_json::Value;
use tokio::sync::mpsc;

use super::{
    MAX_RESPONSE, MAX_STREAM,
    exchange::Answer,
    outcome::{ErrorKind, FunctionError},
};

/// The header with which a runtime announces a streamed response.
const MODE: &str = "lambda-runtime-function-response-mode";

/// The trailers with which a runtime reports a failure after the stream began.
const ERROR_TYPE: &str = "lambda-runtime-function-error-type";
const ERROR_BODY: &str = "lambda-runtime-function-error-body";

/// Reads a response to its end. The chunks of a streamed response go to `chunks`, if there is
/// a receiver, and the answer is then empty.
pub(super) async fn read(
    headers: &HeaderMap,
    body: &mut Body,
    chunks: Option<mpsc::Sender<Bytes>>,
) -> Answer {
    let streamed = headers.get(MODE).is_some_and(|mode| mode == "streaming");
    let chunks = chunks.filter(|_| streamed);
    let most = if chunks.is_some() {
        MAX_STREAM
    } else {
        MAX_RESPONSE
    };
    let (mut size, mut whole) = (0, BytesMut::new());
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| broken_off(&error.to_string()))?;
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
            // A client that has left stops no function.
            Some(chunks) => drop(chunks.send(data).await),
            None => whole.extend_from_slice(&data),
        }
    }
    Ok(whole.freeze())
}

/// Reads the rest of a body that is refused, so that its sender gets to read the reply.
pub(super) async fn discard(mut body: Body) {
    let mut size = 0;
    while let Some(Ok(frame)) = body.frame().await {
        size += frame.data_ref().map_or(0, Bytes::len);
        if size > MAX_STREAM {
            return;
        }
    }
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

/// The error of a response that did not arrive in full.
pub(super) fn broken_off(why: &str) -> FunctionError {
    let message = format!("the response broke off: {why}");
    FunctionError::new(ErrorKind::Handled, "Runtime.TruncatedResponse", &message)
}

pub(super) fn too_large(most: usize) -> FunctionError {
    let message =
        format!("Response payload size exceeded maximum allowed payload size ({most} bytes).");
    FunctionError::new(
        ErrorKind::ResponseTooLarge,
        "Function.ResponseSizeTooLarge",
        &message,
    )
}
