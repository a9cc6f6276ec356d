//! `DescribeStream` and `DescribeStreamSummary`.

use serde::{Deserialize, Serialize};

use super::shapes::{ShardDescription, StreamModeDetails};
use aws_wire::timestamp::Timestamp;

use crate::{
    engine::{
        Engine,
        lifecycle::Status,
        shard::shard_number,
        stream::{Settings, Stream},
    },
    error::KinesisError,
    validation::Constraints,
};

/// Shards in one reply unless the request says otherwise, and at most (API
/// reference, `DescribeStream`, `Limit`).
const PAGE: i64 = 100;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    limit: Option<i64>,
    exclusive_start_shard_id: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Described {
    stream_description: Description,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Description {
    #[serde(flatten)]
    common: Common,
    shards: Vec<ShardDescription>,
    has_more_shards: bool,
}

/// The members that both replies share.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Common {
    stream_name: String,
    #[serde(rename = "StreamARN")]
    stream_arn: String,
    stream_status: Status,
    stream_mode_details: StreamModeDetails,
    retention_period_hours: u32,
    stream_creation_timestamp: Timestamp,
    enhanced_monitoring: [EnhancedMetrics; 1],
    encryption_type: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct EnhancedMetrics {
    shard_level_metrics: [&'static str; 0],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Summarised {
    stream_description_summary: Summary,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Summary {
    #[serde(flatten)]
    common: Common,
    open_shard_count: usize,
    consumer_count: usize,
    #[serde(rename = "MaxRecordSizeInKiB")]
    max_record_size_in_kib: u32,
}

/// Describes a stream with its shards, a page at a time.
pub(super) async fn describe_stream(
    engine: &Engine,
    request: Request,
) -> Result<Described, KinesisError> {
    let mut constraints = Constraints::default();
    constraints.range("limit", request.limit, 1, 10_000);
    constraints.finish()?;
    let stream = engine.stream(
        request.stream_name.as_deref(),
        request.stream_arn.as_deref(),
    )?;
    let limit = usize::try_from(request.limit.unwrap_or(PAGE).min(PAGE)).unwrap_or(0);
    let common = Common::of(engine, &stream, &stream.settings());
    let after = request
        .exclusive_start_shard_id
        .as_deref()
        .and_then(shard_number);
    let shards = match common.stream_status {
        // A stream that is being created has no shards yet.
        Status::Creating => Vec::new(),
        _ => engine.listed_shards(&stream),
    };
    let mut left = shards
        .iter()
        .filter(|shard| after.is_none_or(|after| shard.number > after));
    let page = left
        .by_ref()
        .take(limit)
        .map(|shard| ShardDescription::of(shard));
    Ok(Described {
        stream_description: Description {
            common,
            shards: page.collect(),
            has_more_shards: left.next().is_some(),
        },
    })
}

/// Describes a stream without its shards.
pub(super) async fn describe_stream_summary(
    engine: &Engine,
    request: Request,
) -> Result<Summarised, KinesisError> {
    let stream = engine.stream(
        request.stream_name.as_deref(),
        request.stream_arn.as_deref(),
    )?;
    let settings = stream.settings();
    let common = Common::of(engine, &stream, &settings);
    let open = match common.stream_status {
        Status::Creating => 0,
        _ => stream.topology().open.len(),
    };
    Ok(Summarised {
        stream_description_summary: Summary {
            common,
            open_shard_count: open,
            consumer_count: settings.consumers.len(),
            max_record_size_in_kib: settings.max_record_kib,
        },
    })
}

impl Common {
    fn of(engine: &Engine, stream: &Stream, settings: &Settings) -> Self {
        Self {
            stream_name: stream.name.clone(),
            stream_arn: stream.arn.clone(),
            stream_status: settings
                .lifecycle
                .at(engine.clock().millis())
                .unwrap_or(Status::Deleting),
            stream_mode_details: StreamModeDetails {
                stream_mode: settings.mode,
            },
            retention_period_hours: settings.retention_hours,
            stream_creation_timestamp: Timestamp::from_millis(stream.created),
            enhanced_monitoring: [EnhancedMetrics {
                shard_level_metrics: [],
            }],
            encryption_type: "NONE",
        }
    }
}
