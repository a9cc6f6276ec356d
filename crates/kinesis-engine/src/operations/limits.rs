//! `DescribeLimits`, and the account limits.

use serde::{Deserialize, Serialize};

use crate::{
    engine::{Engine, stream::Mode},
    error::KinesisError,
};

/// The most shards that a stream can have (API reference, `UpdateShardCount`).
pub(super) const MAX_SHARDS: i64 = 10_000;
/// Open shards in an account by default (developer guide, "Quotas and limits":
/// 20,000 in the largest regions).
const SHARD_LIMIT: usize = 20_000;
/// `ON_DEMAND` streams in an account by default (developer guide, "Quotas and limits").
const ON_DEMAND_STREAM_LIMIT: usize = 50;

#[derive(Debug, Deserialize)]
pub(super) struct Request {}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Reply {
    shard_limit: usize,
    open_shard_count: usize,
    on_demand_stream_count: usize,
    on_demand_stream_count_limit: usize,
}

/// Describes the account's limits and their use.
pub(super) async fn describe_limits(
    engine: &Engine,
    _request: Request,
) -> Result<Reply, KinesisError> {
    Ok(used(engine))
}

/// Checks that there may be `shards` more shards, when limits are enforced.
///
/// # Errors
///
/// `LimitExceededException` if that is more than the account may have.
pub(super) fn check_new_shards(
    engine: &Engine,
    mode: Mode,
    shards: u32,
) -> Result<(), KinesisError> {
    if !engine.options.enforce_limits {
        return Ok(());
    }
    let used = used(engine);
    let open = used.open_shard_count + shards as usize;
    if mode == Mode::Provisioned && open > SHARD_LIMIT {
        return Err(KinesisError::LimitExceeded(format!(
            "This request would exceed the shard limit for the account {}: {open} of {SHARD_LIMIT}",
            engine.options.account
        )));
    }
    if mode == Mode::OnDemand && used.on_demand_stream_count >= ON_DEMAND_STREAM_LIMIT {
        return Err(KinesisError::LimitExceeded(format!(
            "The account {} has {ON_DEMAND_STREAM_LIMIT} ON_DEMAND streams already",
            engine.options.account
        )));
    }
    Ok(())
}

fn used(engine: &Engine) -> Reply {
    let streams = engine.streams();
    let on_demand = streams
        .iter()
        .filter(|stream| stream.with_settings(|settings| settings.mode) == Mode::OnDemand);
    Reply {
        shard_limit: SHARD_LIMIT,
        open_shard_count: streams
            .iter()
            .map(|stream| stream.topology().open.len())
            .sum(),
        on_demand_stream_count: on_demand.count(),
        on_demand_stream_count_limit: ON_DEMAND_STREAM_LIMIT,
    }
}
