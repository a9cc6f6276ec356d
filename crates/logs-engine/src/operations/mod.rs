//! The operations of the API, one file for each group.

#![allow(
    clippy::needless_pass_by_value,
    reason = "each operation is handed the request that was read for it"
)]

mod filter_log_events;
mod get_log_events;
mod groups;
mod live_tail;
mod put_log_events;
mod streams;
mod tags;

use std::sync::Arc;

use aws_wire::{
    error::AwsError,
    format::Format,
    service::{Call, json_reply},
};
use axum_core::response::Response;

use crate::store::Store;

pub use groups::RETENTION_DAYS;

/// Most bytes of messages in one page (API reference, `GetLogEvents`: 1 MB).
const MAX_PAGE: usize = 1024 * 1024;

/// Most events in one page (API reference, `GetLogEvents`).
const MAX_EVENTS: usize = 10_000;

/// Declares the operations once: the list of names, and how each is carried out. `returns`
/// replies with the function's result, `empty` with an empty body, and `streams` makes its
/// own reply.
macro_rules! operations {
    (
        returns { $($returning:literal => $give:path,)* }
        empty { $($silent:literal => $act:path,)* }
        streams { $($streaming:literal => $stream:path,)* }
    ) => {
        /// The names of all operations.
        pub(crate) const OPERATIONS: &[&str] = &[$($returning,)* $($silent,)* $($streaming,)*];

        /// Carries out the operation of `call`.
        ///
        /// # Errors
        ///
        /// Whatever the operation refuses.
        pub(crate) fn run(store: &Arc<Store>, call: &Call) -> Result<Response, AwsError> {
            match call.operation.as_str() {
                $($returning => json_reply(&$give(store, Format::Json.read(&call.body)?)?),)*
                $($silent => {
                    $act(store, Format::Json.read(&call.body)?)?;
                    Ok(Format::Json.empty_reply())
                })*
                $($streaming => Ok($stream(store, Format::Json.read(&call.body)?)?),)*
                other => Err(AwsError::client("UnknownOperationException", other)),
            }
        }
    };
}

operations! {
    returns {
        "DescribeLogGroups" => groups::describe_log_groups,
        "DescribeLogStreams" => streams::describe_log_streams,
        "FilterLogEvents" => filter_log_events::filter_log_events,
        "GetLogEvents" => get_log_events::get_log_events,
        "ListTagsForResource" => tags::list_tags_for_resource,
        "PutLogEvents" => put_log_events::put_log_events,
    }
    empty {
        "CreateLogGroup" => groups::create_log_group,
        "CreateLogStream" => streams::create_log_stream,
        "DeleteLogGroup" => groups::delete_log_group,
        "DeleteLogStream" => streams::delete_log_stream,
        "DeleteRetentionPolicy" => groups::delete_retention_policy,
        "PutRetentionPolicy" => groups::put_retention_policy,
        "TagResource" => tags::tag_resource,
        "UntagResource" => tags::untag_resource,
    }
    streams {
        "StartLiveTail" => live_tail::start_live_tail,
    }
}
