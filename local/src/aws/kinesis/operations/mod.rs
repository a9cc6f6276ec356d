//! The operations of the API, one file for each group.

mod create_stream;
mod delete_stream;
mod describe_stream;
mod get_records;
mod get_shard_iterator;
mod list_shards;
mod list_streams;
mod put_record;
mod put_records;
mod shapes;

use axum::response::Response;

use super::{engine::Engine, error::KinesisError, wire::Format};

/// Declares the operations once: the list of names, and how each is carried out.
/// `returns` replies with what the function gives, `empty` with an empty body.
macro_rules! operations {
    (
        returns { $($returning:literal => $give:path,)* }
        empty { $($silent:literal => $act:path,)* }
    ) => {
        /// The names of all operations.
        pub const OPERATIONS: &[&str] = &[$($returning,)* $($silent,)*];

        /// Carries out `operation`.
        ///
        /// # Errors
        ///
        /// Whatever the operation refuses.
        pub async fn run(
            engine: &Engine,
            operation: &str,
            format: Format,
            body: &[u8],
        ) -> Result<Response, KinesisError> {
            match operation {
                $($returning => {
                    let reply = $give(engine, format.read(body)?).await?;
                    format.reply(&reply)
                })*
                $($silent => {
                    $act(engine, format.read(body)?).await?;
                    Ok(format.empty_reply())
                })*
                _ => Err(KinesisError::Validation(format!("unknown operation {operation:?}"))),
            }
        }
    };
}

operations! {
    returns {
        "DescribeStream" => describe_stream::describe_stream,
        "DescribeStreamSummary" => describe_stream::describe_stream_summary,
        "GetRecords" => get_records::get_records,
        "GetShardIterator" => get_shard_iterator::get_shard_iterator,
        "ListShards" => list_shards::list_shards,
        "ListStreams" => list_streams::list_streams,
        "PutRecord" => put_record::put_record,
        "PutRecords" => put_records::put_records,
    }
    empty {
        "CreateStream" => create_stream::create_stream,
        "DeleteStream" => delete_stream::delete_stream,
    }
}
