//! `AWS::Kinesis::Stream`.

use crate::{
    Problem,
    effects::{CAPACITY, ENCRYPTION, LABELS, OBSERVABILITY},
    environment::Stream,
    properties::Properties,
};

pub(super) fn read(logical_id: &str, properties: &Properties) -> Result<Stream, Problem> {
    properties.allow(
        &[
            "Name",
            "ShardCount",
            "RetentionPeriodHours",
            "StreamModeDetails",
        ],
        &[
            (CAPACITY, &["MaxRecordSizeInKiB", "WarmThroughputMiBps"]),
            (ENCRYPTION, &["StreamEncryption"]),
            (LABELS, &["Tags"]),
            (OBSERVABILITY, &["DesiredShardLevelMetrics"]),
        ],
    )?;
    let mode = match properties.inside("StreamModeDetails")? {
        Some(details) => {
            details.allow(&["StreamMode"], &[])?;
            details.one_of("StreamMode", &["ON_DEMAND", "PROVISIONED"])?
        }
        None => None,
    };
    let shards = properties.in_range("ShardCount", 1..=10_000)?;
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
        retention_hours: properties
            .in_range("RetentionPeriodHours", 24..=8760)?
            .unwrap_or(24),
    })
}
