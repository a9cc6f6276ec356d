//! `SplitShard`, `MergeShards` and `UpdateShardCount`.

use std::sync::Arc;

use aws_wire::format::null_is_default;
use serde::{Deserialize, Serialize};

use super::limits;
use crate::{
    engine::{
        Engine,
        hash_key::HashKey,
        stream::{Mode, Stream},
    },
    error::KinesisError,
    validation::Constraints,
};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(clippy::struct_field_names, reason = "the names are the API's")]
pub(super) struct Split {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    #[serde(default, deserialize_with = "null_is_default")]
    shard_to_split: String,
    #[serde(default, deserialize_with = "null_is_default")]
    new_starting_hash_key: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(clippy::struct_field_names, reason = "the names are the API's")]
pub(super) struct Merge {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    #[serde(default, deserialize_with = "null_is_default")]
    shard_to_merge: String,
    #[serde(default, deserialize_with = "null_is_default")]
    adjacent_shard_to_merge: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Update {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    target_shard_count: Option<i64>,
    scaling_type: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Updated {
    stream_name: String,
    #[serde(rename = "StreamARN")]
    stream_arn: String,
    current_shard_count: usize,
    target_shard_count: u32,
}

/// Splits a shard in two.
pub(super) async fn split_shard(engine: &Engine, request: Split) -> Result<(), KinesisError> {
    let mut constraints = Constraints::default();
    constraints.name("shardToSplit", &request.shard_to_split);
    let at = HashKey::parse(&request.new_starting_hash_key);
    constraints.require(
        at.is_some(),
        "newStartingHashKey",
        &request.new_starting_hash_key,
        "satisfy regular expression pattern: 0|([1-9]\\d{0,38})",
    );
    constraints.finish()?;
    let (name, arn) = (
        request.stream_name.as_deref(),
        request.stream_arn.as_deref(),
    );
    let stream = provisioned(engine, name, arn)?;
    let shard = stream.shard(&request.shard_to_split, &engine.options.account)?;
    limits::check_new_shards(engine, Mode::Provisioned, 1)?;
    engine.split(&stream, &shard, at.unwrap_or(HashKey(0)))
}

/// Merges two adjacent shards into one.
pub(super) async fn merge_shards(engine: &Engine, request: Merge) -> Result<(), KinesisError> {
    let mut constraints = Constraints::default();
    constraints.name("shardToMerge", &request.shard_to_merge);
    constraints.name("adjacentShardToMerge", &request.adjacent_shard_to_merge);
    constraints.finish()?;
    let (name, arn) = (
        request.stream_name.as_deref(),
        request.stream_arn.as_deref(),
    );
    let stream = provisioned(engine, name, arn)?;
    let account = &engine.options.account;
    let first = stream.shard(&request.shard_to_merge, account)?;
    let second = stream.shard(&request.adjacent_shard_to_merge, account)?;
    engine.merge(&stream, &first, &second)
}

/// Splits and merges shards until there are as many as asked for.
pub(super) async fn update_shard_count(
    engine: &Engine,
    request: Update,
) -> Result<Updated, KinesisError> {
    let scaling = request.scaling_type.unwrap_or_default();
    let target = request.target_shard_count.unwrap_or(0);
    let mut constraints = Constraints::default();
    constraints.range("targetShardCount", Some(target), 1, limits::MAX_SHARDS);
    constraints.require(
        scaling == "UNIFORM_SCALING",
        "scalingType",
        &scaling,
        "satisfy enum value set: [UNIFORM_SCALING]",
    );
    constraints.finish()?;
    let (name, arn) = (
        request.stream_name.as_deref(),
        request.stream_arn.as_deref(),
    );
    let stream = provisioned(engine, name, arn)?;
    let current = stream.topology().open.len();
    let target = u32::try_from(target).unwrap_or(u32::MAX);
    let wanted = target as usize;
    // API reference: "Scale up to more than double", "Scale down below half".
    let beyond = if wanted > current * 2 {
        Some("up over double")
    } else if wanted * 2 < current {
        Some("down below half")
    } else {
        None
    };
    if let Some(beyond) = beyond {
        return Err(KinesisError::InvalidArgument(format!(
            "UpdateShardCount cannot scale {beyond} your current open shard count. \
             Current open shard count: {current} Target open shard count: {target}"
        )));
    }
    let more = wanted.saturating_sub(current);
    limits::check_new_shards(
        engine,
        Mode::Provisioned,
        u32::try_from(more).unwrap_or(u32::MAX),
    )?;
    engine.scale(&stream, target)?;
    Ok(Updated {
        stream_name: stream.name.clone(),
        stream_arn: stream.arn.clone(),
        current_shard_count: current,
        target_shard_count: target,
    })
}

/// The stream, which has to be ACTIVE and PROVISIONED (API reference, each of
/// the three operations).
fn provisioned(
    engine: &Engine,
    name: Option<&str>,
    arn: Option<&str>,
) -> Result<Arc<Stream>, KinesisError> {
    let stream = engine.changeable(name, arn)?;
    if stream.with_settings(|settings| settings.mode) == Mode::OnDemand {
        return Err(KinesisError::Validation(format!(
            "Stream {} is in ON_DEMAND mode: its shards cannot be changed",
            stream.name
        )));
    }
    Ok(stream)
}
