//! `GetShardIterator`.

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
pub struct Request {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    #[serde(default)]
    shard_id: String,
    shard_iterator_type: StartingPoint,
    starting_sequence_number: Option<String>,
    timestamp: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Reply {
    shard_iterator: String,
}

/// Hands out a position in a shard. It is fixed now: what is put afterwards is
/// seen from it, also from `LATEST`.
pub async fn get_shard_iterator(engine: &Engine, request: Request) -> Result<Reply, KinesisError> {
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
