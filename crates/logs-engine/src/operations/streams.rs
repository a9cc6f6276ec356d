//! Log streams: `CreateLogStream`, `DeleteLogStream`, `DescribeLogStreams`.

use std::{cmp::Reverse, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    error::LogsError,
    names,
    store::{Store, Stream},
};

/// Streams in one page.
const PAGE: usize = 50;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StreamName {
    log_group_name: String,
    log_stream_name: String,
}

pub(super) fn create_log_stream(store: &Arc<Store>, request: StreamName) -> Result<(), LogsError> {
    names::valid_stream(&request.log_stream_name)?;
    let group = names::group(store, Some(&request.log_group_name), None)?;
    let made = store.create_stream(&group, &request.log_stream_name);
    made.map(|_| ()).map_err(|_| LogsError::StreamExists)
}

pub(super) fn delete_log_stream(store: &Arc<Store>, request: StreamName) -> Result<(), LogsError> {
    let group = names::group(store, Some(&request.log_group_name), None)?;
    let removed = group.remove(&request.log_stream_name);
    removed.map(|_| ()).ok_or(LogsError::NoSuchStream)
}

/// How `DescribeLogStreams` sorts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
enum OrderBy {
    #[default]
    LogStreamName,
    LastEventTime,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DescribeLogStreams {
    log_group_name: Option<String>,
    log_group_identifier: Option<String>,
    log_stream_name_prefix: Option<String>,
    order_by: Option<OrderBy>,
    descending: Option<bool>,
    next_token: Option<String>,
    limit: Option<usize>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LogStreams {
    log_streams: Vec<LogStream>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LogStream {
    log_stream_name: String,
    creation_time: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_event_timestamp: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_event_timestamp: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_ingestion_time: Option<u64>,
    /// Not used any more (API reference, `PutLogEvents`); older clients read it.
    upload_sequence_token: String,
    arn: String,
    stored_bytes: u64,
}

pub(super) fn describe_log_streams(
    store: &Arc<Store>,
    request: DescribeLogStreams,
) -> Result<LogStreams, LogsError> {
    let (name, identifier) = (request.log_group_name, request.log_group_identifier);
    let group = names::group(store, name.as_deref(), identifier.as_deref())?;
    let order = request.order_by.unwrap_or_default();
    if order == OrderBy::LastEventTime && request.log_stream_name_prefix.is_some() {
        // API reference, `orderBy`.
        return Err(LogsError::Parameter(
            "Cannot order by LastEventTime with a logStreamNamePrefix.".to_owned(),
        ));
    }
    let prefix = request.log_stream_name_prefix.unwrap_or_default();
    let mut streams = group.streams();
    streams.retain(|stream| stream.name.starts_with(&prefix));
    let descending = request.descending.unwrap_or(false);
    if order == OrderBy::LastEventTime {
        streams.sort_by_cached_key(|stream| stream.times().last_event);
    }
    if descending {
        match order {
            OrderBy::LogStreamName => streams.reverse(),
            OrderBy::LastEventTime => {
                streams.sort_by_cached_key(|stream| Reverse(stream.times().last_event));
            }
        }
    }
    let from = names::read_page(request.next_token.as_deref())?;
    let limit = request.limit.unwrap_or(PAGE).clamp(1, PAGE);
    let next = from.saturating_add(limit);
    let page = streams.iter().skip(from).take(limit);
    Ok(LogStreams {
        log_streams: page
            .map(|stream| describe(store, &group.name, stream))
            .collect(),
        next_token: (next < streams.len()).then(|| names::page(next)),
    })
}

fn describe(store: &Store, group: &str, stream: &Stream) -> LogStream {
    let times = stream.times();
    LogStream {
        log_stream_name: stream.name.clone(),
        creation_time: stream.created,
        first_event_timestamp: times.first_event,
        last_event_timestamp: times.last_event,
        last_ingestion_time: times.last_ingestion,
        upload_sequence_token: names::event_id(stream.number, stream.end()),
        arn: names::stream_arn(&store.options, group, &stream.name),
        stored_bytes: 0,
    }
}
