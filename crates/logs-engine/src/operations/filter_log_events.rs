//! `FilterLogEvents`: the events of a group's streams in the order of their times.

use std::{collections::BinaryHeap, sync::Arc};

use aws_wire::format::null_is_default;
use serde::{Deserialize, Serialize};

use super::{MAX_EVENTS, MAX_PAGE};
use crate::{
    Pattern,
    error::{LogsError, constraint},
    names,
    pattern::MAX_PATTERN,
    store::{Group, Store, Stream},
};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Request {
    log_group_name: Option<String>,
    log_group_identifier: Option<String>,
    #[serde(default, deserialize_with = "null_is_default")]
    log_stream_names: Vec<String>,
    log_stream_name_prefix: Option<String>,
    start_time: Option<u64>,
    end_time: Option<u64>,
    filter_pattern: Option<String>,
    next_token: Option<String>,
    limit: Option<usize>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Events {
    events: Vec<FilteredLogEvent>,
    /// AWS returns an empty list since 2019 (API reference).
    searched_log_streams: [(); 0],
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct FilteredLogEvent {
    log_stream_name: String,
    timestamp: u64,
    message: String,
    ingestion_time: u64,
    event_id: String,
}

/// An event's place: its time, then its stream's number, then its index in the stream.
type Place = (u64, u64, u64);

/// An event that was found. Two with one place are the same.
#[derive(Debug, PartialEq, Eq)]
struct Found {
    place: Place,
    event: FilteredLogEvent,
}

impl Ord for Found {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.place.cmp(&other.place)
    }
}

impl PartialOrd for Found {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

pub(super) fn filter_log_events(store: &Arc<Store>, request: Request) -> Result<Events, LogsError> {
    let (name, identifier) = (&request.log_group_name, &request.log_group_identifier);
    let group = names::group(store, name.as_deref(), identifier.as_deref())?;
    let pattern = parse(request.filter_pattern.as_deref())?;
    let streams = streams(&group, &request)?;
    let after = request.next_token.as_deref().map(read).transpose()?;
    let from = request.start_time.unwrap_or(0);
    let from = from.max(group.horizon(store.now()));
    // "Events with a timestamp later than this time are not returned."
    let until = request.end_time.unwrap_or(u64::MAX);
    let limit = request.limit.unwrap_or(MAX_EVENTS).clamp(1, MAX_EVENTS);

    // The earliest events that fit, and one more to know whether there is another page.
    let mut found = Page::new(limit);
    for stream in streams {
        for chunk in stream.snapshot() {
            if chunk.latest() < from || chunk.earliest() > until {
                continue;
            }
            for event in chunk.events() {
                let place = (event.timestamp, stream.number, event.index);
                let wanted = event.timestamp >= from
                    && event.timestamp <= until
                    && after.is_none_or(|after| place > after)
                    && found.has_room_for(place)
                    && pattern.matches(event.message);
                if wanted {
                    found.add(Found {
                        place,
                        event: FilteredLogEvent {
                            log_stream_name: stream.name.clone(),
                            timestamp: event.timestamp,
                            message: event.message.to_owned(),
                            ingestion_time: event.ingested,
                            event_id: names::event_id(stream.number, event.index),
                        },
                    });
                }
            }
        }
    }
    let (found, more) = found.finish();
    let last = found.last().filter(|_| more).map(|last| last.place);
    Ok(Events {
        events: found.into_iter().map(|found| found.event).collect(),
        searched_log_streams: [],
        next_token: last.map(|(time, stream, index)| format!("{time}/{stream}/{index}")),
    })
}

/// The earliest events of those that were found.
struct Page {
    limit: usize,
    bytes: usize,
    /// The latest at the top.
    found: BinaryHeap<Found>,
    /// Whether one was left out.
    more: bool,
}

impl Page {
    fn new(limit: usize) -> Self {
        Self {
            limit,
            bytes: 0,
            found: BinaryHeap::new(),
            more: false,
        }
    }

    fn is_full(&self) -> bool {
        self.found.len() >= self.limit || self.bytes >= MAX_PAGE
    }

    fn has_room_for(&self, place: Place) -> bool {
        !self.more || self.found.peek().is_none_or(|latest| place < latest.place)
    }

    fn add(&mut self, found: Found) {
        if self.is_full() {
            self.more = true;
            if self
                .found
                .peek()
                .is_some_and(|latest| latest.place < found.place)
            {
                return;
            }
        }
        self.bytes += found.event.message.len();
        self.found.push(found);
        while self.found.len() > self.limit || (self.found.len() > 1 && self.bytes > MAX_PAGE) {
            if let Some(latest) = self.found.pop() {
                self.bytes -= latest.event.message.len();
                self.more = true;
            }
        }
    }

    /// The events in their order, and whether there are more.
    fn finish(self) -> (Vec<Found>, bool) {
        (self.found.into_sorted_vec(), self.more)
    }
}

/// The pattern of a request.
///
/// # Errors
///
/// It is too long or not valid.
pub(super) fn parse(pattern: Option<&str>) -> Result<Pattern, LogsError> {
    let pattern = pattern.unwrap_or_default();
    if pattern.len() > MAX_PATTERN {
        let at_most = format!("have length less than or equal to {MAX_PATTERN}");
        return Err(constraint(pattern, "filterPattern", &at_most));
    }
    let parsed = pattern.parse();
    parsed.map_err(|reason| LogsError::Parameter(format!("Invalid filter pattern: {reason}")))
}

fn streams(group: &Group, request: &Request) -> Result<Vec<Arc<Stream>>, LogsError> {
    if request.log_stream_names.is_empty() {
        let prefix = request.log_stream_name_prefix.as_deref().unwrap_or("");
        let mut streams = group.streams();
        streams.retain(|stream| stream.name.starts_with(prefix));
        return Ok(streams);
    }
    if request.log_stream_name_prefix.is_some() {
        return Err(LogsError::Parameter(
            "logStreamNames and logStreamNamePrefix cannot be used together.".to_owned(),
        ));
    }
    let names = request.log_stream_names.iter();
    let streams = names.map(|name| group.stream(name).ok_or(LogsError::NoSuchStream));
    streams.collect()
}

fn read(token: &str) -> Result<Place, LogsError> {
    let mut numbers = token.splitn(3, '/').map(str::parse);
    match (numbers.next(), numbers.next(), numbers.next()) {
        (Some(Ok(time)), Some(Ok(stream)), Some(Ok(index))) => Ok((time, stream, index)),
        _ => Err(names::invalid_token()),
    }
}
