//! The operations of the API, one file for each group.

mod consumers;
mod create_stream;
mod delete_stream;
mod describe_stream;
pub(crate) mod get_records;
mod get_shard_iterator;
mod limits;
mod list_shards;
mod list_streams;
mod put_record;
mod put_records;
mod reshard;
mod retention;
mod shapes;
mod stream_mode;
mod subscribe_to_shard;
mod tags;

use std::sync::Arc;

use axum_core::response::Response;

use aws_wire::format::Format;

use super::{engine::Engine, error::KinesisError};

/// Declares the operations once: the list of names, and how each is carried out.
/// `returns` replies with the function's result, `empty` with an empty body,
/// and `streams` makes its own reply.
macro_rules! operations {
    (
        returns { $($returning:literal => $give:path,)* }
        empty { $($silent:literal => $act:path,)* }
        streams { $($streaming:literal => $subscribe:path,)* }
    ) => {
        /// The names of all operations.
        pub(crate) const OPERATIONS: &[&str] = &[$($returning,)* $($silent,)* $($streaming,)*];

        /// Carries out `operation`.
        ///
        /// # Errors
        ///
        /// Whatever the operation refuses.
        pub(crate) async fn run(
            engine: &Arc<Engine>,
            operation: &str,
            format: Format,
            body: &[u8],
        ) -> Result<Response, KinesisError> {
            match operation {
                $($returning => {
                    let reply = $give(engine, format.read(body)?).await?;
                    Ok(format.reply(&reply)?)
                })*
                $($silent => {
                    $act(engine, format.read(body)?).await?;
                    Ok(format.empty_reply())
                })*
                $($streaming => $subscribe(engine, format.read(body)?, format).await,)*
                _ => Err(KinesisError::Validation(format!("unknown operation {operation:?}"))),
            }
        }
    };
}

operations! {
    returns {
        "DescribeLimits" => limits::describe_limits,
        "DescribeStream" => describe_stream::describe_stream,
        "DescribeStreamConsumer" => consumers::describe_stream_consumer,
        "DescribeStreamSummary" => describe_stream::describe_stream_summary,
        "GetRecords" => get_records::get_records,
        "GetShardIterator" => get_shard_iterator::get_shard_iterator,
        "ListShards" => list_shards::list_shards,
        "ListStreamConsumers" => consumers::list_stream_consumers,
        "ListStreams" => list_streams::list_streams,
        "ListTagsForResource" => tags::list_tags_for_resource,
        "ListTagsForStream" => tags::list_tags_for_stream,
        "PutRecord" => put_record::put_record,
        "PutRecords" => put_records::put_records,
        "RegisterStreamConsumer" => consumers::register_stream_consumer,
        "UpdateShardCount" => reshard::update_shard_count,
    }
    empty {
        "AddTagsToStream" => tags::add_tags_to_stream,
        "CreateStream" => create_stream::create_stream,
        "DecreaseStreamRetentionPeriod" => retention::decrease_stream_retention_period,
        "DeleteStream" => delete_stream::delete_stream,
        "DeregisterStreamConsumer" => consumers::deregister_stream_consumer,
        "IncreaseStreamRetentionPeriod" => retention::increase_stream_retention_period,
        "MergeShards" => reshard::merge_shards,
        "RemoveTagsFromStream" => tags::remove_tags_from_stream,
        "SplitShard" => reshard::split_shard,
        "TagResource" => tags::tag_resource,
        "UntagResource" => tags::untag_resource,
        "UpdateMaxRecordSize" => stream_mode::update_max_record_size,
        "UpdateStreamMode" => stream_mode::update_stream_mode,
    }
    streams {
        "SubscribeToShard" => subscribe_to_shard::subscribe_to_shard,
    }
}
