//! `DeleteStream`.

use serde::Deserialize;

use crate::{engine::Engine, error::KinesisError};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Request {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    #[serde(default)]
    enforce_consumer_deletion: bool,
}

/// Deletes a stream with its shards and records.
pub async fn delete_stream(engine: &Engine, request: Request) -> Result<(), KinesisError> {
    let stream = engine.stream(
        request.stream_name.as_deref(),
        request.stream_arn.as_deref(),
    )?;
    let consumers = stream.with_settings(|settings| settings.consumers.len());
    if consumers > 0 && !request.enforce_consumer_deletion {
        return Err(KinesisError::ResourceInUse(format!(
            "Stream {} has {consumers} registered consumers; deregister them, or set EnforceConsumerDeletion",
            stream.name
        )));
    }
    engine.delete(&stream)
}
