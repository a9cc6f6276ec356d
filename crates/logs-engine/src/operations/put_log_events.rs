//! `PutLogEvents`, with the limits of its API reference.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    error::{LogsError, constraint},
    names,
    store::Store,
};

/// Most events of a batch.
const MAX_BATCH: usize = 10_000;

/// Most bytes of a batch: messages, and [`OVERHEAD`] for each.
const MAX_BYTES: usize = 1_048_576;

/// What an event counts beside its message, bytes.
const OVERHEAD: usize = 26;

const HOUR: u64 = 60 * 60 * 1000;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Request {
    log_group_name: String,
    log_stream_name: String,
    log_events: Vec<InputLogEvent>,
}

#[derive(Debug, Deserialize)]
struct InputLogEvent {
    timestamp: u64,
    message: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Reply {
    next_sequence_token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    rejected_log_events_info: Option<Rejected>,
}

#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Rejected {
    #[serde(skip_serializing_if = "Option::is_none")]
    too_new_log_event_start_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    too_old_log_event_end_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expired_log_event_end_index: Option<usize>,
}

pub(super) fn put_log_events(store: &Arc<Store>, request: Request) -> Result<Reply, LogsError> {
    let events = &request.log_events;
    check(events)?;
    let group = names::group(store, Some(&request.log_group_name), None)?;
    let stream = group.stream(&request.log_stream_name);
    let stream = stream.ok_or(LogsError::NoSuchStream)?;
    let now = store.now();
    // "None of the log events in the batch can be more than 2 hours in the future", "more
    // than 14 days in the past" or older than the retention.
    let (too_new, too_old) = (now + 2 * HOUR, now.saturating_sub(14 * 24 * HOUR));
    let expired = group.horizon(now);
    let mut rejected = Rejected::default();
    for (index, event) in events.iter().enumerate() {
        if event.timestamp > too_new {
            rejected.too_new_log_event_start_index.get_or_insert(index);
        } else if event.timestamp < too_old {
            rejected.too_old_log_event_end_index = Some(index + 1);
        } else if event.timestamp < expired {
            rejected.expired_log_event_end_index = Some(index + 1);
        } else {
            store.push(&group, &stream, event.timestamp, now, &[&event.message]);
        }
    }
    Ok(Reply {
        next_sequence_token: names::event_id(stream.number, stream.end()),
        rejected_log_events_info: (rejected != Rejected::default()).then_some(rejected),
    })
}

fn check(events: &[InputLogEvent]) -> Result<(), LogsError> {
    let count = events.len().to_string();
    if events.is_empty() {
        let at_least = "have length greater than or equal to 1";
        return Err(constraint(&count, "logEvents", at_least));
    }
    if events.len() > MAX_BATCH {
        let at_most = format!("have length less than or equal to {MAX_BATCH}");
        return Err(constraint(&count, "logEvents", &at_most));
    }
    if events.iter().any(|event| event.message.is_empty()) {
        let at_least = "have length greater than or equal to 1";
        return Err(constraint("", "logEvents.member.message", at_least));
    }
    let parameter = |message: &str| Err(LogsError::Parameter(message.to_owned()));
    let bytes = events.iter().map(|event| event.message.len() + OVERHEAD);
    let bytes: usize = bytes.sum();
    if bytes > MAX_BYTES {
        let message = format!("Upload too large: {bytes} bytes exceeds limit of {MAX_BYTES}");
        return Err(LogsError::Parameter(message));
    }
    if !events.is_sorted_by_key(|event| event.timestamp) {
        return parameter(
            "Log events in a single PutLogEvents request must be in chronological order.",
        );
    }
    let first = events.first().map_or(0, |event| event.timestamp);
    let last = events.last().map_or(0, |event| event.timestamp);
    if last - first > 24 * HOUR {
        return parameter(
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
        );
    }
    Ok(())
}
