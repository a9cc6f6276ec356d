//! `GetLogEvents`: the events of one stream, forwards and backwards.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{MAX_EVENTS, MAX_PAGE};
use crate::{
    error::LogsError,
    names,
    store::{Event, Store},
};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Request {
    log_group_name: Option<String>,
    log_group_identifier: Option<String>,
    log_stream_name: String,
    start_time: Option<u64>,
    end_time: Option<u64>,
    next_token: Option<String>,
    limit: Option<usize>,
    start_from_head: Option<bool>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Events {
    events: Vec<OutputLogEvent>,
    next_forward_token: String,
    next_backward_token: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct OutputLogEvent {
    timestamp: u64,
    message: String,
    ingestion_time: u64,
}

/// Where a page begins, and in which direction it goes.
#[derive(Debug, Clone, Copy)]
enum Position {
    /// At the event with this index.
    Forwards(u64),
    /// At the event before this index.
    Backwards(u64),
}

pub(super) fn get_log_events(store: &Arc<Store>, request: Request) -> Result<Events, LogsError> {
    let (name, identifier) = (request.log_group_name, request.log_group_identifier);
    let group = names::group(store, name.as_deref(), identifier.as_deref())?;
    let stream = group.stream(&request.log_stream_name);
    let stream = stream.ok_or(LogsError::NoSuchStream)?;
    let position = match request.next_token.as_deref() {
        Some(token) => read(token)?,
        None if request.start_from_head.unwrap_or(false) => Position::Forwards(0),
        None => Position::Backwards(u64::MAX),
    };
    let from = request.start_time.unwrap_or(0);
    let from = from.max(group.horizon(store.now()));
    // "Events with a timestamp equal to or later than this time are not included."
    let until = request.end_time.unwrap_or(u64::MAX);
    let limit = request.limit.unwrap_or(MAX_EVENTS).clamp(1, MAX_EVENTS);
    let chunks = stream.snapshot();
    let chunks = chunks
        .iter()
        .filter(|chunk| chunk.latest() >= from && chunk.earliest() < until);
    let in_time = |event: &Event<'_>| event.timestamp >= from && event.timestamp < until;

    let (mut events, mut bytes) = (Vec::new(), 0);
    let mut fits = |event: &Event<'_>| {
        bytes += event.message.len();
        let fits = events.is_empty() || (events.len() < limit && bytes <= MAX_PAGE);
        if fits {
            events.push((event.index, OutputLogEvent::of(event)));
        }
        fits
    };
    let (forward, backward) = match position {
        Position::Forwards(first) => {
            let later = chunks.filter(|chunk| chunk.end() > first);
            let mut later = later.flat_map(|chunk| chunk.events());
            // It ends at the first event that does not fit.
            later.all(|event| event.index < first || !in_time(&event) || fits(&event));
            (
                events.last().map_or(first, |(index, _)| index + 1),
                events.first().map_or(first, |(index, _)| *index),
            )
        }
        Position::Backwards(end) => {
            let earlier = chunks.rev().flat_map(|chunk| chunk.events().rev());
            let mut earlier = earlier.skip_while(|event| event.index >= end);
            earlier.all(|event| !in_time(&event) || fits(&event));
            let end = end.min(stream.end());
            events.reverse();
            (
                events.last().map_or(end, |(index, _)| index + 1),
                events.first().map_or(end, |(index, _)| *index),
            )
        }
    };
    Ok(Events {
        events: events.into_iter().map(|(_, event)| event).collect(),
        next_forward_token: format!("f/{forward:056}"),
        next_backward_token: format!("b/{backward:056}"),
    })
}

impl OutputLogEvent {
    fn of(event: &Event<'_>) -> Self {
        Self {
            timestamp: event.timestamp,
            message: event.message.to_owned(),
            ingestion_time: event.ingested,
        }
    }
}

fn read(token: &str) -> Result<Position, LogsError> {
    let invalid = || names::invalid_token();
    let (direction, index) = token.split_once('/').ok_or_else(invalid)?;
    let index = index.parse().map_err(|_| invalid())?;
    match direction {
        "f" => Ok(Position::Forwards(index)),
        "b" => Ok(Position::Backwards(index)),
        _ => Err(invalid()),
    }
}
