//! The operations of the API, one file for each group.

mod attributes;
mod batch;
mod messages;
mod move_tasks;
mod permissions;
pub(crate) mod query;
mod queues;
mod receive;
mod send;
mod settle;
mod tags;

use std::sync::Arc;

use aws_wire::{error::AwsError, service::Call};
use axum_core::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use serde::de::DeserializeOwned;

use crate::{
    engine::Engine,
    error::{Code, SqsError},
};

/// Where a call came from.
pub(crate) struct Context<'a> {
    /// The queues.
    pub engine: &'a Arc<Engine>,
    /// The request.
    pub call: &'a Call,
}

impl Context<'_> {
    /// The queue of a request: by its URL, or by the path that an older client posts to.
    ///
    /// # Errors
    ///
    /// `MissingParameter`, `QueueDoesNotExist`.
    fn queue(&self, url: Option<&str>) -> Result<u64, SqsError> {
        match url {
            Some(url) => self.engine.by_url(url),
            None => self.engine.by_url(self.call.uri.path()),
        }
    }

    /// The URL of the queue called `name`, as the caller reaches this server.
    fn url(&self, name: &str) -> String {
        let host = self.call.host().unwrap_or("localhost");
        self.engine.url(&format!("http://{host}"), name)
    }

    fn read<T: DeserializeOwned>(&self) -> Result<T, SqsError> {
        let body: &[u8] = if self.call.body.is_empty() {
            b"{}"
        } else {
            &self.call.body
        };
        serde_json::from_slice(body).map_err(|error| {
            SqsError::new(
                Code::Serialization,
                format!("The request body cannot be read: {error}"),
            )
        })
    }
}

impl From<AwsError> for SqsError {
    fn from(error: AwsError) -> Self {
        Self::new(Code::Internal, error.message)
    }
}

/// A parameter that the API reference requires.
///
/// # Errors
///
/// `MissingParameter`.
fn required<T>(value: Option<T>, parameter: &str) -> Result<T, SqsError> {
    value.ok_or_else(|| SqsError::missing(parameter))
}

/// A number of seconds of a request.
///
/// # Errors
///
/// `InvalidParameterValue` for a negative one.
fn seconds(value: i64, parameter: &str) -> Result<u64, SqsError> {
    u64::try_from(value).map_err(|_| SqsError::parameter(value, parameter, "Must not be negative."))
}

/// Declares the operations once: the list of names, and how each is carried out.
/// `returns` replies with the function's result, `empty` with an empty body.
macro_rules! operations {
    (
        returns { $($returning:literal => $give:path,)* }
        empty { $($silent:literal => $act:path,)* }
    ) => {
        /// The names of all operations.
        pub(crate) const OPERATIONS: &[&str] = &[$($returning,)* $($silent,)*];

        /// Carries out the operation of a call.
        ///
        /// # Errors
        ///
        /// Whatever the operation refuses.
        pub(crate) async fn run(context: &Context<'_>) -> Result<Response, SqsError> {
            match context.call.operation.as_str() {
                $($returning => {
                    let reply = $give(context, context.read()?).await?;
                    Ok(context.call.reply(&reply)?)
                })*
                $($silent => {
                    $act(context, context.read()?).await?;
                    Ok(nothing(context.call))
                })*
                other => Err(SqsError::new(
                    Code::UnsupportedOperation,
                    format!("There is no operation {other:?}."),
                )),
            }
        }
    };
}

operations! {
    returns {
        "CancelMessageMoveTask" => move_tasks::cancel,
        "ChangeMessageVisibilityBatch" => settle::change_visibility_batch,
        "CreateQueue" => queues::create,
        "DeleteMessageBatch" => settle::delete_batch,
        "GetQueueAttributes" => attributes::get,
        "GetQueueUrl" => queues::url,
        "ListDeadLetterSourceQueues" => queues::sources,
        "ListMessageMoveTasks" => move_tasks::list,
        "ListQueueTags" => tags::list,
        "ListQueues" => queues::list,
        "ReceiveMessage" => receive::receive,
        "SendMessage" => send::send,
        "SendMessageBatch" => send::send_batch,
        "StartMessageMoveTask" => move_tasks::start,
    }
    empty {
        "AddPermission" => permissions::refuse,
        "ChangeMessageVisibility" => settle::change_visibility,
        "DeleteMessage" => settle::delete,
        "DeleteQueue" => queues::delete,
        "PurgeQueue" => queues::purge,
        "RemovePermission" => permissions::refuse,
        "SetQueueAttributes" => attributes::set,
        "TagQueue" => tags::tag,
        "UntagQueue" => tags::untag,
    }
}

/// The reply of an operation that returns nothing.
fn nothing(call: &Call) -> Response {
    let mut reply = ().into_response();
    let content_type = HeaderValue::from_static(call.protocol.json_content_type());
    reply
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    reply
}
