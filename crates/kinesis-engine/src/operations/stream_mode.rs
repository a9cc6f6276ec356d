//! `UpdateStreamMode` and `UpdateMaxRecordSize`.

use serde::Deserialize;

use super::shapes::StreamModeDetails;
use crate::{engine::Engine, error::KinesisError, validation::Constraints};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ModeRequest {
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    stream_mode_details: StreamModeDetails,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SizeRequest {
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    #[serde(rename = "MaxRecordSizeInKiB")]
    max_record_size_in_kib: Option<i64>,
}

/// Changes how a stream's capacity is managed. Its shards stay.
pub(super) async fn update_stream_mode(
    engine: &Engine,
    request: ModeRequest,
) -> Result<(), KinesisError> {
    let stream = engine.changeable(None, request.stream_arn.as_deref())?;
    engine.update(&stream, |settings| {
        settings.mode = request.stream_mode_details.stream_mode;
        Ok(())
    })
}

/// Changes how large a record may be, 1 to 10 MiB.
pub(super) async fn update_max_record_size(
    engine: &Engine,
    request: SizeRequest,
) -> Result<(), KinesisError> {
    let size = request.max_record_size_in_kib.unwrap_or(0);
    let mut constraints = Constraints::default();
    constraints.range("maxRecordSizeInKiB", Some(size), 1024, 10_240);
    constraints.finish()?;
    let stream = engine.changeable(None, request.stream_arn.as_deref())?;
    engine.update(&stream, |settings| {
        settings.max_record_kib = u32::try_from(size).unwrap_or(settings.max_record_kib);
        Ok(())
    })
}
