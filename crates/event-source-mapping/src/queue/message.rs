//! A message as `ReceiveMessage` returns it.

use std::collections::BTreeMap;

use bytes::Bytes;

/// A message that was received. It stays in the queue, hidden from other receivers, until
/// it is deleted or its visibility timeout ends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    /// `MessageId`.
    pub id: String,
    /// `ReceiptHandle`: names this receipt of the message, to delete it.
    pub receipt_handle: String,
    /// `Body`.
    pub body: String,
    /// `MD5OfBody`, in hexadecimal.
    pub md5_of_body: String,
    /// `Attributes`: what SQS says of the message, such as `ApproximateReceiveCount`.
    pub attributes: BTreeMap<String, String>,
    /// `MessageAttributes`: what the sender says of the message.
    pub message_attributes: BTreeMap<String, MessageAttribute>,
    /// `MD5OfMessageAttributes`; `None` for a message without message attributes.
    pub md5_of_message_attributes: Option<String>,
}

impl Message {
    /// The message group of a message from a FIFO queue.
    #[must_use]
    pub fn group(&self) -> Option<&str> {
        self.attributes.get("MessageGroupId").map(String::as_str)
    }
}

/// A value that the sender gave a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageAttribute {
    /// `DataType`, such as `String` or `Number.int`.
    pub data_type: String,
    /// The value.
    pub value: AttributeValue,
}

/// The value of a message attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttributeValue {
    /// `StringValue`, of a string or a number.
    Text(String),
    /// `BinaryValue`.
    Binary(Bytes),
}
