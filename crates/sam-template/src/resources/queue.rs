//! `AWS::SQS::Queue`.

use std::collections::BTreeMap;

use event_source_mapping::queue::context::is_fifo as has_suffix;
use serde_json::Value as Json;

use crate::{Problem, effects::LABELS, environment::Queue, properties::Properties};

/// Properties that are attributes of the queue, under the same names in
/// CloudFormation and in `CreateQueue`.
const ATTRIBUTES: [&str; 14] = [
    "ContentBasedDeduplication",
    "DeduplicationScope",
    "DelaySeconds",
    "FifoQueue",
    "FifoThroughputLimit",
    "KmsDataKeyReusePeriodSeconds",
    "KmsMasterKeyId",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "ReceiveMessageWaitTimeSeconds",
    "RedriveAllowPolicy",
    "RedrivePolicy",
    "SqsManagedSseEnabled",
    "VisibilityTimeout",
];

pub(super) fn read(logical_id: &str, properties: &Properties) -> Result<Queue, Problem> {
    let mut used = vec!["QueueName"];
    used.extend(ATTRIBUTES);
    properties.allow(&used, &[(LABELS, &["Tags"])])?;
    let mut attributes = BTreeMap::new();
    for name in ATTRIBUTES {
        // The API takes every value as text, a policy as the text of its JSON.
        let value = match properties.json(name)? {
            None | Some(Json::Null) => continue,
            Some(Json::String(text)) => text,
            Some(other) => other.to_string(),
        };
        attributes.insert(name.to_owned(), value);
    }
    let is_fifo = properties.boolean("FifoQueue")?.unwrap_or(false);
    let given = properties.text("QueueName")?;
    if let Some(name) = given.as_deref().filter(|name| has_suffix(name) != is_fifo) {
        let rule = if is_fifo {
            "the name of a FIFO queue ends in .fifo"
        } else {
            "only the name of a FIFO queue ends in .fifo"
        };
        let what = format!("is {name}; {rule}");
        return Err(properties.wrong("QueueName", &what));
    }
    // CloudFormation too ends the name it makes for a FIFO queue.
    let made = || format!("{logical_id}{}", if is_fifo { ".fifo" } else { "" });
    Ok(Queue {
        logical_id: logical_id.to_owned(),
        name: given.unwrap_or_else(made),
        attributes,
    })
}
