//! As much of the Extensions API as a runtime's own shutdown hook uses (Lambda developer
//! guide, "Lambda Extensions API").
//!
//! The Rust runtime registers an internal extension without events, so that Lambda sends
//! SIGTERM. External extensions do not run here: nothing starts the programs of
//! `/opt/extensions`, no `INVOKE` or `SHUTDOWN` event is sent, and the Telemetry API accepts
//! subscriptions as AWS's Runtime Interface Emulator does, without sending anything.

use std::sync::Arc;

use axum::body::to_bytes;
use axum::{
    Json, Router,
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use http::StatusCode;
use serde_json::{Value, json};

use super::runtime_api::{Shared, refused};

/// Most bytes of a registration.
const MAX_BODY: usize = 64 * 1024;

pub(super) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/2020-01-01/extension/register", post(register))
        .route("/2020-01-01/extension/event/next", get(event_next))
        .route("/2020-08-15/logs", put(async || unsupported("Logs")))
        .route(
            "/2022-07-01/telemetry",
            put(async || unsupported("Telemetry")),
        )
}

async fn register(State(shared): State<Arc<Shared>>, body: Body) -> Response {
    let body = to_bytes(body, MAX_BODY).await.unwrap_or_default();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    if body["events"]
        .as_array()
        .is_some_and(|events| !events.is_empty())
    {
        let message = format!(
            "extension events are not available here: register with \"events\": [], not {}",
            body["events"]
        );
        return refused(
            StatusCode::FORBIDDEN,
            "Extension.EventsNotSupported",
            &message,
        );
    }
    let body = json!({
        "functionName": &*shared.function,
        "functionVersion": "$LATEST",
        "handler": shared.handler,
    });
    let id = uuid::Uuid::new_v4().to_string();
    ([("Lambda-Extension-Identifier", id)], Json(body)).into_response()
}

/// Holds the call open: an extension without events gets none.
async fn event_next() -> Response {
    std::future::pending().await
}

/// The reply of AWS's Runtime Interface Emulator, which sends nothing either.
fn unsupported(api: &'static str) -> Response {
    refused(
        StatusCode::ACCEPTED,
        &format!("{api}.NotSupported"),
        &format!("{api} API is not supported"),
    )
}
