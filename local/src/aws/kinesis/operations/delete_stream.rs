//! `DeleteStream`.

use serde::Deserialize;

use crate::aws::kinesis::{engine::Engine, error::KinesisError};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Request {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
}

/// Deletes a stream with its shards and records.
pub async fn delete_stream(engine: &Engine, request: Request) -> Result<(), KinesisError> {
    let stream = engine.stream(
        request.stream_name.as_deref(),
        request.stream_arn.as_deref(),
    )?;
    engine.delete(&stream);
    Ok(())
}
