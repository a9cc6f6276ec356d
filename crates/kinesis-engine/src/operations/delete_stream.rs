//! `DeleteStream`.

use std::sync::Arc;

use aws_wire::format::null_is_default;
use serde::Deserialize;

use crate::{engine::Engine, error::KinesisError};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    #[serde(default, deserialize_with = "null_is_default")]
    enforce_consumer_deletion: bool,
}

/// Deletes a stream with its shards and records.
pub(super) async fn delete_stream(
    engine: &Arc<Engine>,
    request: Request,
) -> Result<(), KinesisError> {
    let stream = engine.stream(
        request.stream_name.as_deref(),
        request.stream_arn.as_deref(),
    )?;
    engine.delete(&stream, |settings| {
        let consumers = settings.consumers.len();
        if consumers == 0 || request.enforce_consumer_deletion {
            return Ok(());
        }
        Err(KinesisError::ResourceInUse(format!(
            "Stream {} has {consumers} registered consumers; deregister them, or set EnforceConsumerDeletion",
            stream.name
        )))
    })
}
