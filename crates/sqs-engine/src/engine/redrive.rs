//! `RedrivePolicy` and `RedriveAllowPolicy`: which queue takes the dead letters of which.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Code, SqsError};

/// The receives after which a message is a dead letter, where the policy names none (API
/// reference, `CreateQueue`, `RedrivePolicy`).
const DEFAULT_MAX_RECEIVES: u32 = 10;
/// The most that a policy can name (developer guide, "Using dead-letter queues").
const MOST_RECEIVES: u64 = 1000;
/// Queues that a `RedriveAllowPolicy` can name (API reference, `CreateQueue`).
const MOST_SOURCES: usize = 10;

/// `RedrivePolicy` of a source queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RedrivePolicy {
    /// The dead-letter queue.
    pub dead_letter_target_arn: String,
    /// How often a message is received before it is moved there.
    pub max_receive_count: u32,
}

impl RedrivePolicy {
    /// # Errors
    ///
    /// `InvalidParameterValue`.
    pub(crate) fn parse(text: &str) -> Result<Self, SqsError> {
        let invalid = |reason: &str| SqsError::parameter(text, "RedrivePolicy", reason);
        let value: Value = serde_json::from_str(text)
            .map_err(|_| invalid("Redrive policy is not a valid JSON map."))?;
        let Some(target) = value.get("deadLetterTargetArn").and_then(Value::as_str) else {
            return Err(invalid(
                "Redrive policy does not contain mandatory attribute: deadLetterTargetArn.",
            ));
        };
        let max_receive_count = match value.get("maxReceiveCount") {
            None => DEFAULT_MAX_RECEIVES,
            // The console and CloudFormation write a string.
            Some(count) => count
                .as_u64()
                .or_else(|| count.as_str()?.parse().ok())
                .filter(|count| (1..=MOST_RECEIVES).contains(count))
                .and_then(|count| u32::try_from(count).ok())
                .ok_or_else(|| {
                    invalid("Invalid value for maxReceiveCount: must be an integer from 1 to 1000.")
                })?,
        };
        Ok(Self {
            dead_letter_target_arn: target.to_owned(),
            max_receive_count,
        })
    }
}

/// `RedriveAllowPolicy` of a dead-letter queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RedriveAllowPolicy {
    redrive_permission: Permission,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    source_queue_arns: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Permission {
    AllowAll,
    DenyAll,
    ByQueue,
}

impl RedriveAllowPolicy {
    /// # Errors
    ///
    /// `InvalidAttributeValue`.
    pub(crate) fn parse(text: &str) -> Result<Self, SqsError> {
        let invalid = |reason: String| {
            SqsError::new(
                Code::InvalidAttributeValue,
                format!(
                    "Value {text} for parameter RedriveAllowPolicy is invalid. Reason: {reason}"
                ),
            )
        };
        let policy: Self =
            serde_json::from_str(text).map_err(|error| invalid(error.to_string()))?;
        let sources = policy.source_queue_arns.len();
        let fits = match policy.redrive_permission {
            Permission::ByQueue => (1..=MOST_SOURCES).contains(&sources),
            Permission::AllowAll | Permission::DenyAll => sources == 0,
        };
        if !fits {
            return Err(invalid(format!(
                "sourceQueueArns names 1 to {MOST_SOURCES} queues with byQueue, and none otherwise."
            )));
        }
        Ok(policy)
    }

    /// Whether the queue with this ARN may move its dead letters here.
    #[must_use]
    pub(crate) fn allows(&self, source: &str) -> bool {
        match self.redrive_permission {
            Permission::AllowAll => true,
            Permission::DenyAll => false,
            Permission::ByQueue => self.source_queue_arns.iter().any(|arn| arn == source),
        }
    }
}
