//! `CreateStream`.

use std::collections::BTreeMap;

use aws_wire::format::null_is_default;
use serde::Deserialize;

use super::{limits, shapes::StreamModeDetails, tags};
use crate::{
    engine::{
        DEFAULT_MAX_RECORD_KIB, DEFAULT_RETENTION_HOURS, Engine,
        lifecycle::Lifecycle,
        stream::{Mode, Settings},
    },
    error::KinesisError,
    validation::Constraints,
};

/// Shards of an `ON_DEMAND` stream at first (developer guide, "Choose the data
/// stream capacity mode": 4 MB/s of writes).
const ON_DEMAND_SHARDS: u32 = 4;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    #[serde(default, deserialize_with = "null_is_default")]
    stream_name: String,
    shard_count: Option<i64>,
    stream_mode_details: Option<StreamModeDetails>,
    #[serde(default, deserialize_with = "null_is_default")]
    tags: BTreeMap<String, String>,
    #[serde(rename = "MaxRecordSizeInKiB")]
    max_record_size_in_kib: Option<i64>,
}

/// Adds a stream.
pub(super) async fn create_stream(engine: &Engine, request: Request) -> Result<(), KinesisError> {
    let mut constraints = Constraints::default();
    constraints.name("streamName", &request.stream_name);
    constraints.range("shardCount", request.shard_count, 1, limits::MAX_SHARDS);
    constraints.range(
        "maxRecordSizeInKiB",
        request.max_record_size_in_kib,
        1024,
        10_240,
    );
    constraints.finish()?;
    tags::check_new(&BTreeMap::new(), &request.tags)?;
    let mode = request
        .stream_mode_details
        .map_or(Mode::Provisioned, |details| details.stream_mode);
    let shards = match (mode, request.shard_count) {
        (_, Some(count)) => u32::try_from(count).unwrap_or(1),
        (Mode::OnDemand, None) => ON_DEMAND_SHARDS,
        (Mode::Provisioned, None) => {
            return Err(KinesisError::Validation(
                "ShardCount is required for a stream in PROVISIONED mode".to_owned(),
            ));
        }
    };
    limits::check_new_shards(engine, mode, shards)?;
    let max_record_kib = request.max_record_size_in_kib;
    let settings = Settings {
        mode,
        retention_hours: DEFAULT_RETENTION_HOURS,
        max_record_kib: max_record_kib
            .and_then(|size| u32::try_from(size).ok())
            .unwrap_or(DEFAULT_MAX_RECORD_KIB),
        tags: request.tags,
        lifecycle: Lifecycle::active(),
        consumers: BTreeMap::new(),
    };
    engine.create(&request.stream_name, shards, settings)?;
    Ok(())
}
