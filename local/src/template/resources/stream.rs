//! `AWS::Kinesis::Stream`.

use super::in_range;
use crate::template::{Problem, environment::Stream, properties::Properties};

pub(super) fn read(logical_id: &str, properties: Properties) -> Result<Stream, Problem> {
    properties.allow(
        &[
            "Name",
            "ShardCount",
            "RetentionPeriodHours",
            "StreamModeDetails",
        ],
        &["StreamEncryption", "Tags"],
    )?;
    let mode = match properties.node("StreamModeDetails") {
        Some(node) => Properties::new(
            "StreamModeDetails",
            node.line,
            Some(node),
            properties.resolver(),
        )
        .text("StreamMode")?,
        None => None,
    };
    let shards = in_range(&properties, "ShardCount", 1..=10_000)?;
    let shards = match mode.as_deref() {
        Some("ON_DEMAND") => None,
        // A stream without mode and count has one shard (CloudFormation's
        // reference of the type: PROVISIONED is the default mode).
        _ => Some(shards.unwrap_or(1)),
    };
    Ok(Stream {
        name: properties
            .text("Name")?
            .unwrap_or_else(|| logical_id.to_owned()),
        shards,
        retention_hours: in_range(&properties, "RetentionPeriodHours", 24..=8760)?.unwrap_or(24),
    })
}
