//! Messages, as they are sent and as they are stored.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use uuid::Uuid;

use crate::digest;

/// A message to send (API reference, `SendMessage`).
#[derive(Debug, Clone, Default)]
pub struct SendMessage {
    /// The body, one byte to 1 MiB.
    pub body: String,
    /// How long it stays invisible at first, whole seconds up to 15 minutes; the queue's
    /// own delay if absent. A FIFO queue takes none.
    pub delay: Option<Duration>,
    /// Message attributes by name, at most ten.
    pub attributes: BTreeMap<String, MessageAttribute>,
    /// The system attribute `AWSTraceHeader`.
    pub trace_header: Option<String>,
    /// The message group: required by a FIFO queue, and only stored by a standard one.
    pub group_id: Option<String>,
    /// The token that duplicates share, for a FIFO queue.
    pub deduplication_id: Option<String>,
}

impl SendMessage {
    /// A message with a body and nothing else.
    pub fn new(body: impl Into<String>) -> Self {
        Self {
            body: body.into(),
            ..Self::default()
        }
    }
}

/// The value of a message attribute, with its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageAttribute {
    /// `String`, `Number` or `Binary`, and perhaps a label after a dot.
    pub data_type: String,
    /// The value.
    pub value: AttributeValue,
}

/// The value of a message attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttributeValue {
    /// Of the types `String` and `Number`.
    Text(String),
    /// Of the type `Binary`.
    Binary(Bytes),
}

impl AttributeValue {
    /// The value's bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }
}

/// What `SendMessage` answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The message's id; that of the first one for a duplicate.
    pub message_id: Uuid,
    /// MD5 of the body, in hexadecimal.
    pub body_md5: String,
    /// MD5 of the message attributes, if there are any.
    pub attributes_md5: Option<String>,
    /// MD5 of the system attributes, if there are any.
    pub system_attributes_md5: Option<String>,
    /// The number that grows with every message of a FIFO queue.
    pub sequence_number: Option<u128>,
}

/// A stored message: what does not change while it is received and moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its id.
    pub id: Uuid,
    /// Its body.
    pub body: Arc<str>,
    /// MD5 of the body.
    pub body_md5: [u8; 16],
    /// Its attributes by name.
    pub attributes: BTreeMap<String, MessageAttribute>,
    /// The system attribute `AWSTraceHeader`.
    pub trace_header: Option<String>,
    /// Its group.
    pub group_id: Option<Arc<str>>,
    /// Its deduplication id: given, or the SHA-256 of the body.
    pub deduplication_id: Option<Arc<str>>,
}

impl Message {
    /// The bytes that count towards the limit: body and attributes (API reference,
    /// `SendMessage`: "Name, type, value and the message body must not be empty", and
    /// developer guide, "Message metadata": all parts count).
    #[must_use]
    pub fn size(&self) -> usize {
        size(&self.body, &self.attributes)
    }

    /// MD5 of the message attributes, in hexadecimal; `None` without attributes.
    #[must_use]
    pub fn attributes_md5(&self) -> Option<String> {
        digest::attributes(self.attributes.iter())
    }

    /// MD5 of the body, in hexadecimal.
    #[must_use]
    pub fn body_md5(&self) -> String {
        digest::hex(&self.body_md5)
    }
}

/// The bytes of a body and its attributes.
pub(crate) fn size(body: &str, attributes: &BTreeMap<String, MessageAttribute>) -> usize {
    let attribute = |(name, attribute): (&String, &MessageAttribute)| {
        name.len() + attribute.data_type.len() + attribute.value.as_bytes().len()
    };
    body.len() + attributes.iter().map(attribute).sum::<usize>()
}

/// How to receive (API reference, `ReceiveMessage`).
#[derive(Debug, Clone)]
pub struct Receive {
    /// At most so many messages, 1 to 10.
    pub max_messages: usize,
    /// How long to wait for one, up to 20 seconds; the queue's own time if absent.
    pub wait: Option<Duration>,
    /// How long they stay invisible, up to 12 hours; the queue's own timeout if absent.
    pub visibility_timeout: Option<Duration>,
    /// For a FIFO queue: the same attempt gets the same messages for five minutes.
    pub attempt_id: Option<String>,
}

impl Default for Receive {
    fn default() -> Self {
        Self {
            max_messages: 1,
            wait: None,
            visibility_timeout: None,
            attempt_id: None,
        }
    }
}

/// A message that was received.
#[derive(Debug, Clone)]
pub struct Received {
    /// The message.
    pub message: Arc<Message>,
    /// Deletes this message, or changes its visibility.
    pub receipt_handle: String,
    /// When it was sent, milliseconds since the Unix epoch.
    pub sent: u64,
    /// When it was received first, milliseconds since the Unix epoch.
    pub first_received: u64,
    /// How often it was received, in all queues.
    pub receive_count: u32,
    /// The number that grows with every message of a FIFO queue.
    pub sequence_number: Option<u128>,
    /// The ARN of the queue whose dead letter it is.
    pub dead_letter_source: Option<Arc<str>>,
}
