//! `AWS::Kinesis::StreamConsumer`.

use super::event_source_mapping::stream_name;
use crate::{Problem, effects::LABELS, environment::Consumer, properties::Properties};

pub(super) fn read(logical_id: &str, properties: &Properties) -> Result<Consumer, Problem> {
    properties.allow(&["ConsumerName", "StreamARN"], &[(LABELS, &["Tags"])])?;
    Ok(Consumer {
        name: properties
            .text("ConsumerName")?
            .unwrap_or_else(|| logical_id.to_owned()),
        stream: stream_name(&properties.required("StreamARN")?),
    })
}
