//! What happens to single records: events that are built only while a recorder listens.
//! They are not part of `GET /_local/events`.

use std::sync::Arc;

use bytes::Bytes;
use time::OffsetDateTime;

use super::BatchInvoked;

/// What happened to single records, or in a single call.
#[derive(Debug, Clone, PartialEq)]
pub enum Detail {
    /// One call has put records in a stream.
    RecordsPut {
        /// The stream's name.
        stream: Arc<str>,
        /// The records.
        records: Vec<SeenRecord>,
    },
    /// A mapping has read records from a shard (`GetRecords`).
    RecordsRead(Records),
    /// A mapping is about to invoke its function with records.
    Invoking {
        /// The records.
        records: Records,
        /// The invocation's id.
        request_id: String,
        /// Whether the invocation retries records.
        retry: bool,
    },
    /// A mapping has invoked its function with records, and has judged the outcome.
    Invoked {
        /// The stream's name.
        stream: Arc<str>,
        /// The invocation.
        batch: BatchInvoked,
        /// The records of the event, in order.
        records: Vec<SeenRecord>,
        /// The response, or the function error's document, at most a few KB of it.
        response: Option<Bytes>,
    },
    /// No filter of a mapping matches a record.
    Filtered(Records),
    /// A mapping has discarded records.
    Discarded {
        /// The records.
        records: Records,
        /// The condition, such as `RetryAttemptsExhausted`.
        condition: &'static str,
    },
    /// A discarded batch was redriven.
    Redriven(Redriven),
    /// A cache has answered a call, or never will.
    CacheCalled {
        /// The cache's name.
        cache: String,
        /// The call, such as `Get`.
        operation: String,
        /// The key.
        key: Vec<u8>,
        /// How it ended.
        outcome: CallOutcome,
        /// How long it took, milliseconds.
        duration_ms: f64,
    },
    /// DynamoDB has answered a request.
    StoreCalled {
        /// The operation, such as `GetItem`.
        operation: String,
        /// The table's name; of a batch, of each of its tables.
        table: String,
        /// The values of the key's attributes; of a batch, of each of its keys.
        keys: Vec<Vec<String>>,
        /// Whether it succeeded.
        ok: bool,
        /// How long it took, milliseconds.
        duration_ms: f64,
    },
}

/// A record as a recorder keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenRecord {
    /// The shard's id.
    pub shard: Arc<str>,
    /// Its sequence number in the shard.
    pub sequence_number: String,
    /// The key that selected its shard.
    pub partition_key: String,
    /// Its data.
    pub data: Bytes,
    /// `ApproximateArrivalTimestamp`; `None` where it is the time of the event.
    pub arrived: Option<OffsetDateTime>,
}

/// Records of a shard that a mapping reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Records {
    /// The mapping.
    pub mapping: String,
    /// Its function.
    pub function: String,
    /// The stream's name.
    pub stream: Arc<str>,
    /// The shard's id.
    pub shard: String,
    /// The records' sequence numbers, in order.
    pub sequence_numbers: SequenceNumbers,
}

/// Records of a discarded batch, and those between them, which a function has processed since.
#[derive(Debug, Clone, PartialEq)]
pub struct Redriven {
    /// The function.
    pub function: Arc<str>,
    /// The records' sequence numbers, in order.
    pub sequence_numbers: SequenceNumbers,
    /// From the request to the end of the last invocation, milliseconds.
    pub duration_ms: f64,
}

/// Sequence numbers in order, as one text: a batch has up to 10,000.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SequenceNumbers {
    text: String,
    /// Where each one ends.
    ends: Vec<usize>,
}

impl SequenceNumbers {
    /// How many they are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The first one.
    #[must_use]
    pub fn first(&self) -> Option<&str> {
        self.get(0)
    }

    /// The last one.
    #[must_use]
    pub fn last(&self) -> Option<&str> {
        self.get(self.len().checked_sub(1)?)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).filter_map(|index| self.get(index))
    }

    fn get(&self, index: usize) -> Option<&str> {
        let start = match index.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        self.text.get(start..*self.ends.get(index)?)
    }
}

impl<'a> FromIterator<&'a str> for SequenceNumbers {
    fn from_iter<I: IntoIterator<Item = &'a str>>(numbers: I) -> Self {
        let mut all = Self::default();
        for number in numbers {
            all.text.push_str(number);
            all.ends.push(all.text.len());
        }
        all
    }
}

/// How a call to a cache ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallOutcome {
    /// A get found the key.
    Hit,
    /// A get did not find the key.
    Miss,
    /// Another call was answered.
    Ok,
    /// The cache refused the call, with this gRPC status.
    Error(&'static str),
    /// A fault refused the call, with this gRPC status.
    Fault(&'static str),
    /// A fault left the call without an answer.
    NoAnswer,
}

impl CallOutcome {
    /// In the words of a journey: hit, miss, ok, error or fault.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Ok => "ok",
            Self::Error(_) => "error",
            Self::Fault(_) | Self::NoAnswer => "fault",
        }
    }

    /// The gRPC status of a refusal.
    #[must_use]
    pub fn code(self) -> Option<&'static str> {
        match self {
            Self::Error(code) | Self::Fault(code) => Some(code),
            Self::NoAnswer => Some("no answer"),
            Self::Hit | Self::Miss | Self::Ok => None,
        }
    }
}
