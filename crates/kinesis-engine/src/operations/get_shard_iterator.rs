//! `GetShardIterator`.

use aws_wire::format::null_is_default;
use serde::{Deserialize, Serialize};

use aws_wire::timestamp::Timestamp;

use crate::{
    engine::{
        Engine,
        iterator::{ShardIterator, StartingPoint, locate},
    },
    error::KinesisError,
    validation::Constraints,
};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    #[serde(default, deserialize_with = "null_is_default")]
    shard_id: String,
    shard_iterator_type: StartingPoint,
    starting_sequence_number: Option<String>,
    timestamp: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Reply {
    shard_iterator: String,
}

/// Returns a shard iterator. Its position is fixed now: it reads records put after this
/// call, also with `LATEST`.
pub(super) async fn get_shard_iterator(
    engine: &Engine,
    request: Request,
) -> Result<Reply, KinesisError> {
    let mut constraints = Constraints::default();
    constraints.name("shardId", &request.shard_id);
    constraints.finish()?;
    let stream = engine.readable(
        request.stream_name.as_deref(),
        request.stream_arn.as_deref(),
    )?;
    let shard = stream.shard(&request.shard_id, &engine.options.account)?;
    let now = engine.moment(&stream);
    let index = locate(
        &shard,
        request.shard_iterator_type,
        request.starting_sequence_number.as_deref(),
        request.timestamp,
        now,
    )?;
    let iterator = ShardIterator {
        stream: stream.name.clone(),
        shard: shard.number,
        opened: shard.opened,
        index,
        issued: now.millis(),
    };
    Ok(Reply {
        shard_iterator: iterator.seal()?,
    })
}
