//! Sees the calls to a keyspace, over every transport.

use std::time::Duration;

use super::{faults::FaultPlan, status::Code};

/// A call that has been answered, or never will be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Called<'a> {
    /// The cache's name.
    pub cache: &'a str,
    /// The gRPC name of the call, such as `Get`.
    pub operation: &'a str,
    /// The key, or the collection's name; empty where the call has none or was not read.
    pub key: &'a [u8],
    /// How it ended.
    pub outcome: Outcome,
    /// From the arrival of the call to its answer, injected latency included.
    pub duration: Duration,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// A get found the key.
    Hit,
    /// A get did not find the key.
    Miss,
    /// Another call was answered.
    Ok,
    /// The cache refused the call.
    Refused(Code),
    /// A fault refused the call.
    Fault(Code),
    /// A fault left the call without an answer.
    NoAnswer,
}

/// Sees the calls. They wait for these methods, which must not block.
pub trait Observer: Send + Sync {
    /// Whether anybody wants [`Observer::called`]. Asked at the start of each call.
    fn wants_calls(&self) -> bool {
        true
    }

    /// A call has ended; a batch counts each of its keys.
    fn called(&self, called: &Called<'_>);

    /// The fault plan was replaced.
    fn faults_set(&self, plan: &FaultPlan) {
        let _ = plan;
    }
}
