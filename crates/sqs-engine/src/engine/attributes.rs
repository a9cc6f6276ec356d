//! The attributes of a queue: their names, ranges and defaults (API reference,
//! `CreateQueue` and `SetQueueAttributes`).

use std::{collections::BTreeMap, ops::RangeInclusive};

use serde::{Deserialize, Serialize};

use super::redrive::{RedriveAllowPolicy, RedrivePolicy};
use crate::error::{Code, SqsError};

/// Attributes by name, as requests and replies have them.
pub(crate) type Attributes = BTreeMap<String, String>;

/// The attributes that a request can set. All durations are in seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "they are the attributes of the API"
)]
pub(crate) struct Settings {
    pub fifo: bool,
    pub visibility_timeout: u64,
    pub delay: u64,
    /// Bytes of a message at most.
    pub max_message: u64,
    pub retention: u64,
    /// How long a receive waits that names no time.
    pub wait: u64,
    pub redrive: Option<RedrivePolicy>,
    pub redrive_allow: Option<RedriveAllowPolicy>,
    pub content_based_deduplication: bool,
    /// Duplicates are looked for in a message's own group, not in the whole queue.
    pub deduplicates_by_group: bool,
    /// Stored, and of no effect: nothing here limits the throughput.
    pub throughput_limit_by_group: bool,
    /// Stored, and of no effect: policy and encryption.
    pub others: Attributes,
}

/// A FIFO queue's name ends so.
pub(crate) const FIFO_SUFFIX: &str = ".fifo";

/// Attributes with an integer, and their ranges.
const NUMBERS: &[(&str, RangeInclusive<u64>)] = &[
    ("DelaySeconds", 0..=900),
    ("MaximumMessageSize", 1024..=1_048_576),
    ("MessageRetentionPeriod", 60..=1_209_600),
    ("ReceiveMessageWaitTimeSeconds", 0..=20),
    ("VisibilityTimeout", 0..=43_200),
];

/// Attributes that are computed: no request sets them.
const COMPUTED: &[&str] = &[
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
    "QueueArn",
];

const SETTABLE: &[&str] = &[
    "ContentBasedDeduplication",
    "DeduplicationScope",
    "FifoQueue",
    "FifoThroughputLimit",
    "KmsDataKeyReusePeriodSeconds",
    "KmsMasterKeyId",
    "Policy",
    "RedriveAllowPolicy",
    "RedrivePolicy",
    "SqsManagedSseEnabled",
];

impl Settings {
    /// The defaults of a queue.
    #[must_use]
    pub(crate) fn new(fifo: bool) -> Self {
        Self {
            fifo,
            visibility_timeout: 30,
            delay: 0,
            max_message: 1_048_576,
            retention: 345_600,
            wait: 0,
            redrive: None,
            redrive_allow: None,
            content_based_deduplication: false,
            deduplicates_by_group: false,
            throughput_limit_by_group: false,
            others: BTreeMap::from([("SqsManagedSseEnabled".to_owned(), "true".to_owned())]),
        }
    }

    /// Sets the attributes of a request; an empty value removes an optional one.
    ///
    /// # Errors
    ///
    /// `InvalidAttributeName`, `InvalidAttributeValue`.
    pub(crate) fn set(&mut self, attributes: &Attributes) -> Result<(), SqsError> {
        for (name, value) in attributes {
            self.set_one(name, value)?;
        }
        if self.throughput_limit_by_group && !self.deduplicates_by_group {
            return Err(SqsError::new(
                Code::InvalidAttributeValue,
                "The perMessageGroupId value of FifoThroughputLimit is allowed only when \
                 DeduplicationScope is messageGroup.",
            ));
        }
        Ok(())
    }

    fn set_one(&mut self, name: &str, value: &str) -> Result<(), SqsError> {
        if let Some((_, range)) = NUMBERS.iter().find(|(number, _)| *number == name) {
            let number = value.parse().ok().filter(|number| range.contains(number));
            let number = number.ok_or_else(|| invalid(name))?;
            *self.number(name) = number;
            return Ok(());
        }
        match name {
            "FifoQueue" if flag(name, value)? == self.fifo => {}
            "FifoQueue" => return Err(invalid(name)),
            "ContentBasedDeduplication" | "DeduplicationScope" | "FifoThroughputLimit"
                if !self.fifo =>
            {
                return Err(SqsError::new(
                    Code::InvalidAttributeName,
                    format!("You can specify the {name} only when FifoQueue is set to true."),
                ));
            }
            "ContentBasedDeduplication" => self.content_based_deduplication = flag(name, value)?,
            "DeduplicationScope" => {
                self.deduplicates_by_group = one_of(name, value, "messageGroup", "queue")?;
            }
            "FifoThroughputLimit" => {
                self.throughput_limit_by_group =
                    one_of(name, value, "perMessageGroupId", "perQueue")?;
            }
            "RedrivePolicy" if value.is_empty() => self.redrive = None,
            "RedrivePolicy" => self.redrive = Some(RedrivePolicy::parse(value)?),
            "RedriveAllowPolicy" if value.is_empty() => self.redrive_allow = None,
            "RedriveAllowPolicy" => self.redrive_allow = Some(RedriveAllowPolicy::parse(value)?),
            "SqsManagedSseEnabled" => {
                flag(name, value)?;
                self.others.insert(name.to_owned(), value.to_owned());
            }
            "KmsDataKeyReusePeriodSeconds" => {
                let range = 60..=86_400;
                let period = value.parse().ok();
                period
                    .filter(|period: &u64| range.contains(period))
                    .ok_or_else(|| invalid(name))?;
                self.others.insert(name.to_owned(), value.to_owned());
            }
            "KmsMasterKeyId" | "Policy" if value.is_empty() => {
                self.others.remove(name);
            }
            "KmsMasterKeyId" | "Policy" => {
                self.others.insert(name.to_owned(), value.to_owned());
            }
            _ => return Err(unknown(name)),
        }
        Ok(())
    }

    fn number(&mut self, name: &str) -> &mut u64 {
        match name {
            "DelaySeconds" => &mut self.delay,
            "MaximumMessageSize" => &mut self.max_message,
            "MessageRetentionPeriod" => &mut self.retention,
            "ReceiveMessageWaitTimeSeconds" => &mut self.wait,
            _ => &mut self.visibility_timeout,
        }
    }

    /// The attributes that a queue with these settings shows.
    #[must_use]
    pub(crate) fn shown(&self) -> Attributes {
        let mut shown = self.others.clone();
        let mut show = |name: &str, value: String| shown.insert(name.to_owned(), value);
        show("DelaySeconds", self.delay.to_string());
        show("MaximumMessageSize", self.max_message.to_string());
        show("MessageRetentionPeriod", self.retention.to_string());
        show("ReceiveMessageWaitTimeSeconds", self.wait.to_string());
        show("VisibilityTimeout", self.visibility_timeout.to_string());
        let json = |policy: Option<serde_json::Result<String>>| policy.and_then(Result::ok);
        if let Some(policy) = json(self.redrive.as_ref().map(serde_json::to_string)) {
            show("RedrivePolicy", policy);
        }
        if let Some(policy) = json(self.redrive_allow.as_ref().map(serde_json::to_string)) {
            show("RedriveAllowPolicy", policy);
        }
        if self.fifo {
            let (scope, limit) = (
                if self.deduplicates_by_group {
                    "messageGroup"
                } else {
                    "queue"
                },
                if self.throughput_limit_by_group {
                    "perMessageGroupId"
                } else {
                    "perQueue"
                },
            );
            show("FifoQueue", "true".to_owned());
            let content_based = self.content_based_deduplication.to_string();
            show("ContentBasedDeduplication", content_based);
            show("DeduplicationScope", scope.to_owned());
            show("FifoThroughputLimit", limit.to_owned());
        }
        shown
    }
}

/// Checks the names of attributes that a request asks for.
///
/// # Errors
///
/// `InvalidAttributeName`.
pub(crate) fn check_names(names: &[String]) -> Result<(), SqsError> {
    let number = |name: &String| NUMBERS.iter().any(|(number, _)| number == name);
    let known = |name: &String| {
        let name = name.as_str();
        name == "All" || COMPUTED.contains(&name) || SETTABLE.contains(&name)
    };
    match names.iter().find(|name| !number(name) && !known(name)) {
        Some(name) => Err(unknown(name)),
        None => Ok(()),
    }
}

fn flag(name: &str, value: &str) -> Result<bool, SqsError> {
    value.parse().map_err(|_| invalid(name))
}

/// Whether the value is the `special` one.
fn one_of(name: &str, value: &str, special: &str, usual: &str) -> Result<bool, SqsError> {
    match value {
        _ if value == special => Ok(true),
        _ if value == usual => Ok(false),
        _ => Err(invalid(name)),
    }
}

fn unknown(name: &str) -> SqsError {
    SqsError::new(
        Code::InvalidAttributeName,
        format!("Unknown Attribute {name}."),
    )
}

fn invalid(name: &str) -> SqsError {
    SqsError::new(
        Code::InvalidAttributeValue,
        format!("Invalid value for the parameter {name}."),
    )
}
