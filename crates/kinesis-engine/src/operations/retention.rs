//! `IncreaseStreamRetentionPeriod` and `DecreaseStreamRetentionPeriod`.

use aws_wire::format::null_is_default;
use serde::Deserialize;

use crate::{
    engine::{DEFAULT_RETENTION_HOURS, Engine},
    error::KinesisError,
};

/// 365 days, in hours (API reference, `IncreaseStreamRetentionPeriod`).
const MAX_HOURS: u32 = 8760;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    #[serde(default, deserialize_with = "null_is_default")]
    retention_period_hours: i64,
}

/// Keeps records longer.
pub(super) async fn increase_stream_retention_period(
    engine: &Engine,
    request: Request,
) -> Result<(), KinesisError> {
    change(engine, &request, |old, new| new >= old, "less")
}

/// Keeps records for a shorter time; older records are dropped at once.
pub(super) async fn decrease_stream_retention_period(
    engine: &Engine,
    request: Request,
) -> Result<(), KinesisError> {
    change(engine, &request, |old, new| new <= old, "longer")
}

fn change(
    engine: &Engine,
    request: &Request,
    allowed: impl Fn(u32, u32) -> bool,
    wrong: &str,
) -> Result<(), KinesisError> {
    let stream = engine.changeable(
        request.stream_name.as_deref(),
        request.stream_arn.as_deref(),
    )?;
    let hours = u32::try_from(request.retention_period_hours).ok();
    let hours = hours.filter(|hours| (DEFAULT_RETENTION_HOURS..=MAX_HOURS).contains(hours));
    let hours = hours.ok_or_else(|| {
        KinesisError::InvalidArgument(format!(
            "The retention period {} hours is not between {DEFAULT_RETENTION_HOURS} and {MAX_HOURS}",
            request.retention_period_hours
        ))
    })?;
    engine.update(&stream, |settings| {
        if !allowed(settings.retention_hours, hours) {
            return Err(KinesisError::InvalidArgument(format!(
                "Requested retention period ({hours} hours) for stream {} can not be {wrong} than \
                 existing retention period ({} hours)",
                stream.name, settings.retention_hours
            )));
        }
        settings.retention_hours = hours;
        Ok(())
    })
}
