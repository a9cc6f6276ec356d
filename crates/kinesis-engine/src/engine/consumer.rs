//! Registered consumers (enhanced fan-out), which subscribe to shards.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::lifecycle::Lifecycle;

/// A consumer of one stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Consumer {
    /// Unique in the stream.
    pub name: String,
    /// `{stream ARN}/consumer/{name}:{creation, seconds}`.
    pub arn: String,
    /// Milliseconds since the Unix epoch.
    pub created: u64,
    /// CREATING, then ACTIVE.
    pub lifecycle: Lifecycle,
    /// Tags by key.
    pub tags: BTreeMap<String, String>,
}

/// The stream's ARN in a consumer's, and the consumer's name.
#[must_use]
pub(crate) fn split_arn(consumer: &str) -> Option<(&str, &str)> {
    let (stream, rest) = consumer.split_once("/consumer/")?;
    let (name, _) = rest.rsplit_once(':')?;
    Some((stream, name))
}
