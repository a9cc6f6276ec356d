//! The events. Their JSON is a line of `GET /_local/events`.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When it happened; of a log line, when it was read.
    #[serde(with = "time::serde::rfc3339")]
    pub time: OffsetDateTime,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What happened. Functions and mappings have their names of the template.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum EventKind {
    /// An execution environment has finished init: a cold start.
    EnvironmentStarted {
        /// Its function.
        function: String,
        /// Its number, from 1.
        environment: u64,
        /// How long the init took, milliseconds.
        init_ms: f64,
    },
    /// The process of an execution environment has ended.
    EnvironmentEnded {
        /// Its function.
        function: String,
        /// Its number, from 1.
        environment: u64,
    },
    /// A runtime has received an invocation.
    InvocationStarted {
        /// Its function.
        function: String,
        /// The number of the execution environment.
        environment: u64,
        /// Its id.
        request_id: String,
        /// Whether a mapping asked for it: a [`EventKind::BatchInvoked`] or
        /// [`EventKind::MessagesInvoked`] with the same id follows.
        by_mapping: bool,
        /// The X-Ray trace header that the function gets.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        trace: String,
    },
    /// An invocation has ended.
    InvocationEnded(InvocationEnded),
    /// A mapping has invoked its function with records, and has judged the outcome.
    BatchInvoked(BatchInvoked),
    /// A mapping has invoked its function with messages of a queue, and has judged the
    /// outcome.
    MessagesInvoked(MessagesInvoked),
    /// An invocation of a mapping failed; the next one follows after a wait.
    RetryScheduled {
        /// The mapping.
        mapping: String,
        /// Its function.
        function: String,
        /// The shard's id.
        shard: String,
        /// Failed invocations in a row.
        failures: u32,
        /// The wait, milliseconds.
        wait_ms: f64,
    },
    /// A mapping has discarded records.
    BatchDiscarded(BatchDiscarded),
    /// A discarded batch was redriven: its function has processed it.
    BatchRedriven(BatchRedriven),
    /// A mapping starts to read a shard.
    ShardOpened {
        /// The mapping.
        mapping: String,
        /// Its function.
        function: String,
        /// The shard's id.
        shard: String,
    },
    /// A mapping no longer reads a shard.
    ShardClosed {
        /// The mapping.
        mapping: String,
        /// Its function.
        function: String,
        /// The shard's id.
        shard: String,
        /// Why.
        why: ShardEnd,
    },
    /// A function has written a line to stdout or stderr.
    Log {
        /// The function.
        function: String,
        /// The number of its execution environment.
        environment: u64,
        /// The line.
        text: String,
    },
    /// The list of a stream's shards has changed: the stream was created, deleted or
    /// resharded.
    ShardsChanged {
        /// The stream's name.
        stream: String,
    },
    /// The fault rules of the cache were replaced.
    FaultsSet {
        /// The rules; empty where all were removed.
        rules: Vec<String>,
    },
    /// This listener was too slow for these events.
    Dropped {
        /// How many.
        events: u64,
    },
}

/// An invocation that has ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InvocationEnded {
    /// Its function.
    pub function: String,
    /// The number of the execution environment; `None` where the invocation reached no
    /// runtime.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<u64>,
    /// Its id.
    pub request_id: String,
    /// Whether a mapping asked for it.
    pub by_mapping: bool,
    /// How long the runtime had it, milliseconds.
    pub duration_ms: f64,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
}

/// A mapping's invocation and its outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchInvoked {
    /// The mapping.
    pub mapping: String,
    /// Its function.
    pub function: String,
    /// The shard's id.
    pub shard: String,
    /// The invocation's id.
    pub request_id: String,
    /// Whether the invocation retried records.
    pub retry: bool,
    /// The records of the event.
    pub records: u64,
    /// How many of them, from the first on, are processed.
    pub processed: u64,
    /// The partition key of the first record.
    pub partition_key: String,
    /// The sequence number of the first record.
    pub start_sequence_number: String,
    /// The sequence number of the last record.
    pub end_sequence_number: String,
    /// From sending the event to its reply, milliseconds.
    pub duration_ms: f64,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
}

/// A mapping's invocation with messages of a queue, and its outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MessagesInvoked {
    /// The mapping.
    pub mapping: String,
    /// Its function.
    pub function: String,
    /// The queue's name.
    pub queue: String,
    /// The invocation's id.
    pub request_id: String,
    /// The messages of the event.
    pub messages: u64,
    /// How many of them are processed. The others stay in the queue.
    pub processed: u64,
    /// The id of the first message that is not processed, or else of the first one.
    pub message_id: String,
    /// How often the queue has delivered that message (`ApproximateReceiveCount`).
    pub receive_count: u64,
    /// From sending the event to its reply, milliseconds.
    pub duration_ms: f64,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
}

/// Records that a mapping has discarded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchDiscarded {
    /// The mapping.
    pub mapping: String,
    /// Its function.
    pub function: String,
    /// The shard's id.
    pub shard: String,
    /// How many records.
    pub records: u64,
    /// The sequence number of the first record.
    pub start_sequence_number: String,
    /// The sequence number of the last record.
    pub end_sequence_number: String,
    /// The condition, such as `RetryAttemptsExhausted`.
    pub condition: String,
    /// The function error of the last invocation, in one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The id of the batch for `klocal failures`, if its invocation record was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// A discarded batch that was redriven.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchRedriven {
    /// The function that has processed it.
    pub function: String,
    /// The shard's id.
    pub shard: String,
    /// How many records were delivered.
    pub records: u64,
    /// The id that the batch had for `klocal failures`.
    pub id: String,
}

/// How an invocation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// The function returned, and every record is processed.
    Ok,
    /// A partial batch response: records are left.
    Partial,
    /// The function returned an error, or a response that names no record.
    Error,
    /// The function timed out.
    Timeout,
    /// The function's process exited.
    Exit,
    /// The init failed.
    Init,
    /// All execution environments were busy.
    Throttled,
    /// The request or the response is too large.
    TooLarge,
    /// The endpoint did not answer as the Invoke API does.
    Unavailable,
}

/// Why an invocation failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Error {
    /// `errorType`; empty where the error has none.
    #[serde(rename = "type", default, skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// `errorMessage`, or what is known instead.
    pub message: String,
}

/// Why a mapping no longer reads a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ShardEnd {
    /// It is closed and processed to its end.
    Processed,
    /// The stream no longer lists it.
    Gone,
    /// The stream was deleted and created again.
    Recreated,
    /// Its poller panicked, and starts again at the checkpoint.
    Panicked,
    /// The mapping stops.
    Stopped,
}

impl Outcome {
    /// Whether nothing went wrong.
    #[must_use]
    pub fn is_ok(self) -> bool {
        self == Self::Ok
    }
}

impl EventKind {
    /// Whether a person wants to know of each: not of log lines, nor of the invocations that
    /// go well, of which there are thousands a second.
    #[must_use]
    pub fn is_notable(&self) -> bool {
        match self {
            Self::InvocationStarted { .. } | Self::Log { .. } => false,
            // Its mapping tells of it too.
            Self::InvocationEnded(ended) => !ended.by_mapping && !ended.outcome.is_ok(),
            Self::BatchInvoked(batch) => !batch.outcome.is_ok(),
            Self::MessagesInvoked(messages) => !messages.outcome.is_ok(),
            _ => true,
        }
    }

    /// The function that the event is about.
    #[must_use]
    pub fn function(&self) -> Option<&str> {
        match self {
            Self::InvocationEnded(InvocationEnded { function, .. })
            | Self::BatchInvoked(BatchInvoked { function, .. })
            | Self::MessagesInvoked(MessagesInvoked { function, .. })
            | Self::BatchDiscarded(BatchDiscarded { function, .. })
            | Self::BatchRedriven(BatchRedriven { function, .. })
            | Self::EnvironmentStarted { function, .. }
            | Self::EnvironmentEnded { function, .. }
            | Self::InvocationStarted { function, .. }
            | Self::RetryScheduled { function, .. }
            | Self::ShardOpened { function, .. }
            | Self::ShardClosed { function, .. }
            | Self::Log { function, .. } => Some(function),
            Self::ShardsChanged { .. } | Self::FaultsSet { .. } | Self::Dropped { .. } => None,
        }
    }
}
