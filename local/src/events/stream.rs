//! `GET /_local/events`: the events as JSON lines, until the environment stops.

use std::{convert::Infallible, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::State,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use futures_util::stream;

use super::{Event, EventBus, Subscription};

/// The path of the events, on the Invoke API's port.
pub const EVENTS_PATH: &str = "/_local/events";

/// Events that are sent in one chunk.
const CHUNK: usize = 256;

/// The route. A client that reads slowly misses events, and gets their number as an event
/// `dropped`.
pub fn router(bus: EventBus) -> Router {
    Router::new()
        .route(EVENTS_PATH, get(events))
        .with_state(bus)
}

async fn events(State(bus): State<EventBus>) -> Response {
    let chunks = stream::unfold(bus.subscribe(), |mut events| async move {
        let chunk = chunk(&mut events).await?;
        Some((Ok::<_, Infallible>(chunk), events))
    });
    let content_type = [(CONTENT_TYPE, "application/x-ndjson")];
    (content_type, Body::from_stream(chunks)).into_response()
}

/// The next event, and those that are there already.
async fn chunk(events: &mut Subscription) -> Option<Bytes> {
    let mut lines = Vec::new();
    write(&mut lines, &events.next().await?);
    for _ in 1..CHUNK {
        match events.try_next() {
            Some(event) => write(&mut lines, &event),
            None => break,
        }
    }
    Some(lines.into())
}

fn write(lines: &mut Vec<u8>, event: &Arc<Event>) {
    // It is only numbers and text, and writing to memory cannot fail.
    if serde_json::to_writer(&mut *lines, event).is_ok() {
        lines.push(b'\n');
    }
}
