//! `StartLiveTail`: events as they arrive.

use std::{
    collections::{BTreeMap, VecDeque},
    convert::Infallible,
    sync::Arc,
    time::Duration,
};

use aws_wire::{event_stream, format::null_is_default};
use axum_core::{
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderValue, header};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::{Instant, sleep, sleep_until};
use uuid::Uuid;

use super::filter_log_events;
use crate::{
    Pattern,
    error::LogsError,
    names,
    store::{Group, Store, Tailing},
};

/// How long a session lasts (API reference: "3 hours").
const LIFETIME: Duration = Duration::from_hours(3);

/// An update follows the previous one after this at the latest (API reference: "every
/// second").
const HEARTBEAT: Duration = Duration::from_secs(1);

/// How long events gather before an update: one for each line would cost more than the
/// line.
const GATHER: Duration = Duration::from_millis(50);

/// Most events of an update (API reference).
const MAX_UPDATE: usize = 500;

/// Most groups of a session (API reference).
const MAX_GROUPS: usize = 10;

const JSON: &str = "application/json";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Request {
    log_group_identifiers: Vec<String>,
    #[serde(default, deserialize_with = "null_is_default")]
    log_stream_names: Vec<String>,
    #[serde(default, deserialize_with = "null_is_default")]
    log_stream_name_prefixes: Vec<String>,
    log_event_filter_pattern: Option<String>,
}

/// A session.
struct Tail {
    store: Arc<Store>,
    _tailing: Tailing,
    groups: Vec<Arc<Group>>,
    names: Vec<String>,
    prefixes: Vec<String>,
    pattern: Pattern,
    /// The next index of each stream, by its number.
    read: BTreeMap<u64, u64>,
    ready: VecDeque<Vec<u8>>,
    until: Instant,
}

/// `LiveTailSessionLogEvent`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    log_stream_name: String,
    log_group_identifier: String,
    message: String,
    timestamp: u64,
    ingestion_time: u64,
}

pub(super) fn start_live_tail(store: &Arc<Store>, request: Request) -> Result<Response, LogsError> {
    let identifiers = &request.log_group_identifiers;
    if identifiers.is_empty() || identifiers.len() > MAX_GROUPS {
        return Err(LogsError::Parameter(format!(
            "logGroupIdentifiers must have 1 to {MAX_GROUPS} members."
        )));
    }
    let groups = identifiers
        .iter()
        .map(|identifier| names::group(store, None, Some(identifier)))
        .collect::<Result<Vec<_>, _>>()?;
    let pattern = filter_log_events::parse(request.log_event_filter_pattern.as_deref())?;
    let started = json!({
        "requestId": Uuid::new_v4().to_string(),
        "sessionId": Uuid::new_v4().to_string(),
        "logGroupIdentifiers": identifiers,
        "logStreamNames": request.log_stream_names,
        "logStreamNamePrefixes": request.log_stream_name_prefixes,
        "logEventFilterPattern": request.log_event_filter_pattern.unwrap_or_default(),
    });
    let mut tail = Tail {
        _tailing: Tailing::of(store),
        store: store.clone(),
        groups,
        names: request.log_stream_names,
        prefixes: request.log_stream_name_prefixes,
        pattern,
        read: BTreeMap::new(),
        ready: VecDeque::from([
            event_stream::event("initial-response", JSON, b"{}"),
            event_stream::event("sessionStart", JSON, started.to_string().as_bytes()),
        ]),
        until: Instant::now() + LIFETIME,
    };
    tail.skip_what_is_there();
    let messages = futures_util::stream::unfold(tail, |mut tail| async move {
        let message = tail.message().await?;
        Some((Ok::<_, Infallible>(Bytes::from(message)), tail))
    });
    let mut reply = Body::from_stream(messages).into_response();
    let content_type = HeaderValue::from_static(event_stream::CONTENT_TYPE);
    reply
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    Ok(reply)
}

impl Tail {
    /// A session shows events from its start on.
    fn skip_what_is_there(&mut self) {
        for stream in self.groups.iter().flat_map(|group| group.streams()) {
            self.read.insert(stream.number, stream.end());
        }
    }

    /// Waits for the next message; `None` ends the session.
    async fn message(&mut self) -> Option<Vec<u8>> {
        if let Some(ready) = self.ready.pop_front() {
            return Some(ready);
        }
        let heartbeat = (Instant::now() + HEARTBEAT).min(self.until);
        loop {
            let store = self.store.clone();
            let arrived = store.arrived();
            let events = self.events();
            if !events.is_empty() || Instant::now() >= heartbeat {
                if Instant::now() >= self.until {
                    return None;
                }
                return Some(update(&events));
            }
            tokio::select! {
                () = arrived => sleep(GATHER).await,
                () = sleep_until(heartbeat) => {}
            }
        }
    }

    /// The events that have arrived, at most those of one update.
    fn events(&mut self) -> Vec<Event> {
        let mut found = Vec::new();
        for group in &self.groups {
            for stream in group.streams() {
                if !self.wants(&stream.name) {
                    continue;
                }
                let next = self.read.get(&stream.number).copied().unwrap_or(0);
                let chunks = stream.since(next);
                let events = chunks.iter().flat_map(|chunk| chunk.events());
                for event in events.skip_while(|event| event.index < next) {
                    if found.len() == MAX_UPDATE {
                        break;
                    }
                    self.read.insert(stream.number, event.index + 1);
                    if self.pattern.matches(event.message) {
                        found.push(Event {
                            log_stream_name: stream.name.clone(),
                            log_group_identifier: format!(
                                "{}:{}",
                                self.store.options.account, group.name
                            ),
                            message: event.message.to_owned(),
                            timestamp: event.timestamp,
                            ingestion_time: event.ingested,
                        });
                    }
                }
            }
        }
        found.sort_by_key(|event| event.timestamp);
        found
    }

    fn wants(&self, stream: &str) -> bool {
        let all = self.names.is_empty() && self.prefixes.is_empty();
        let mut prefixes = self.prefixes.iter();
        all || self.names.iter().any(|name| name == stream)
            || prefixes.any(|prefix| stream.starts_with(prefix))
    }
}

fn update(events: &[Event]) -> Vec<u8> {
    let update = json!({
        "sessionMetadata": { "sampled": false },
        "sessionResults": events,
    });
    event_stream::event("sessionUpdate", JSON, update.to_string().as_bytes())
}
