//! `ListStreams`.

use serde::{Deserialize, Serialize};

use super::shapes::StreamModeDetails;
use aws_wire::timestamp::Timestamp;

use crate::{
    engine::{Engine, lifecycle::Status, token},
    error::KinesisError,
    validation::Constraints,
};

/// Streams in one reply unless the request says otherwise (API reference).
const PAGE: i64 = 100;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    limit: Option<i64>,
    exclusive_start_stream_name: Option<String>,
    next_token: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Reply {
    stream_names: Vec<String>,
    has_more_streams: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
    stream_summaries: Vec<Summary>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(clippy::struct_field_names, reason = "the names are the API's")]
struct Summary {
    stream_name: String,
    #[serde(rename = "StreamARN")]
    stream_arn: String,
    stream_status: Status,
    stream_mode_details: StreamModeDetails,
    stream_creation_timestamp: Timestamp,
}

/// Lists streams by name, a page at a time.
pub(super) async fn list_streams(engine: &Engine, request: Request) -> Result<Reply, KinesisError> {
    let mut constraints = Constraints::default();
    constraints.range("limit", request.limit, 1, 10_000);
    constraints.finish()?;
    let after = match request.next_token {
        Some(token) => Some(token::unseal::<String>(&token).ok_or_else(|| {
            KinesisError::InvalidArgument("NextToken is not a token of ListStreams".to_owned())
        })?),
        None => request.exclusive_start_stream_name,
    };
    let limit = usize::try_from(request.limit.unwrap_or(PAGE)).unwrap_or(0);
    let now = engine.clock().millis();
    let streams = engine.streams();
    let mut left = streams
        .iter()
        .filter(|stream| after.as_ref().is_none_or(|after| stream.name > *after));
    let summaries: Vec<_> = left
        .by_ref()
        .take(limit)
        .map(|stream| {
            let settings = stream.settings();
            Summary {
                stream_name: stream.name.clone(),
                stream_arn: stream.arn.clone(),
                stream_status: settings.lifecycle.at(now).unwrap_or(Status::Deleting),
                stream_mode_details: StreamModeDetails {
                    stream_mode: settings.mode,
                },
                stream_creation_timestamp: Timestamp::from_millis(stream.created),
            }
        })
        .collect();
    let has_more_streams = left.next().is_some();
    let last = summaries.last().filter(|_| has_more_streams);
    Ok(Reply {
        next_token: last
            .map(|last| token::seal(&last.stream_name))
            .transpose()?,
        stream_names: summaries
            .iter()
            .map(|summary| summary.stream_name.clone())
            .collect(),
        has_more_streams,
        stream_summaries: summaries,
    })
}
