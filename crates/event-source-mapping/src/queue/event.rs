//! The SQS event, as Lambda's documentation shows it ("Using Lambda with Amazon SQS",
//! example events of a standard and of a FIFO queue).

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use serde::Serialize;

use super::message::{AttributeValue, Message, MessageAttribute};
use crate::event;

/// A message's entry in an event's `Records`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Entry<'a> {
    message_id: &'a str,
    receipt_handle: &'a str,
    body: &'a str,
    attributes: &'a BTreeMap<String, String>,
    message_attributes: BTreeMap<&'a str, Attribute<'a>>,
    #[serde(
        rename = "md5OfMessageAttributes",
        skip_serializing_if = "Option::is_none"
    )]
    md5_of_message_attributes: Option<&'a str>,
    #[serde(rename = "md5OfBody")]
    md5_of_body: &'a str,
    event_source: &'static str,
    #[serde(rename = "eventSourceARN")]
    event_source_arn: &'a str,
    aws_region: &'a str,
}

/// A message attribute. The lists are in every event and always empty: SQS has no types
/// with several values.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Attribute<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    string_value: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    binary_value: Option<String>,
    string_list_values: [(); 0],
    binary_list_values: [(); 0],
    data_type: &'a str,
}

impl<'a> Entry<'a> {
    /// A message of the queue `queue_arn`.
    pub(crate) fn new(message: &'a Message, queue_arn: &'a str, region: &'a str) -> Self {
        let attributes = message.message_attributes.iter();
        Self {
            message_id: &message.id,
            receipt_handle: &message.receipt_handle,
            body: &message.body,
            attributes: &message.attributes,
            message_attributes: attributes
                .map(|(name, value)| (name.as_str(), Attribute::from(value)))
                .collect(),
            md5_of_message_attributes: message.md5_of_message_attributes.as_deref(),
            md5_of_body: &message.md5_of_body,
            event_source: "aws:sqs",
            event_source_arn: queue_arn,
            aws_region: region,
        }
    }

    /// Its JSON.
    pub(crate) fn json(&self) -> Bytes {
        // Texts and maps of texts can always be written.
        serde_json::to_vec(self).unwrap_or_default().into()
    }
}

impl<'a> From<&'a MessageAttribute> for Attribute<'a> {
    fn from(attribute: &'a MessageAttribute) -> Self {
        let (string_value, binary_value) = match &attribute.value {
            AttributeValue::Text(text) => (Some(text.as_str()), None),
            AttributeValue::Binary(bytes) => (None, Some(BASE64_STANDARD.encode(bytes))),
        };
        Self {
            string_value,
            binary_value,
            string_list_values: [],
            binary_list_values: [],
            data_type: &attribute.data_type,
        }
    }
}

/// The event with these messages of the queue `queue_arn`.
#[must_use]
pub fn of_messages(queue_arn: &str, region: &str, messages: &[Message]) -> Bytes {
    let entries = messages
        .iter()
        .map(|message| Entry::new(message, queue_arn, region).json());
    let entries: Vec<_> = entries.collect();
    event::join(entries.iter(), None)
}

#[cfg(test)]
mod tests {
    use super::of_messages;
    use crate::queue::message::{AttributeValue, Message, MessageAttribute};
    use bytes::Bytes;
    use serde_json::{Value, json};

    #[test]
    fn an_event_has_the_form_that_aws_documents() {
        let attributes = [
            ("ApproximateReceiveCount", "1"),
            ("SentTimestamp", "1573251510774"),
            ("SequenceNumber", "18849496460467696128"),
            ("MessageGroupId", "1"),
        ];
        let attribute = |data_type: &str, value| MessageAttribute {
            data_type: data_type.into(),
            value,
        };
        let text = AttributeValue::Text("myValue".into());
        let binary = AttributeValue::Binary(Bytes::from_static(b"\0\x01"));
        let message = Message {
            id: "11d6ee51-4cc7-4302-9e22-7cd8afdaadf5".into(),
            receipt_handle: "AQEBBX8nesZEXmkhsmZeyIE8iQAMig7qw...".into(),
            body: "Test \"message\".".into(),
            md5_of_body: "e4e68fb7bd0e697a0ae8f1bb342846b3".into(),
            attributes: attributes
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            message_attributes: [
                ("bytes".to_owned(), attribute("Binary", binary)),
                ("myAttribute".to_owned(), attribute("String", text)),
            ]
            .into(),
            md5_of_message_attributes: Some("5cb5".into()),
        };
        let arn = "arn:aws:sqs:us-east-2:123456789012:fifo.fifo";
        let event = of_messages(arn, "us-east-2", &[message]);
        let event: Value = serde_json::from_slice(&event).unwrap();
        let record = json!({
            "messageId": "11d6ee51-4cc7-4302-9e22-7cd8afdaadf5",
            "receiptHandle": "AQEBBX8nesZEXmkhsmZeyIE8iQAMig7qw...",
            "body": "Test \"message\".",
            "attributes": {
                "ApproximateReceiveCount": "1",
                "SentTimestamp": "1573251510774",
                "SequenceNumber": "18849496460467696128",
                "MessageGroupId": "1",
            },
            "messageAttributes": {
                "bytes": {
                    "binaryValue": "AAE=",
                    "stringListValues": [],
                    "binaryListValues": [],
                    "dataType": "Binary",
                },
                "myAttribute": {
                    "stringValue": "myValue",
                    "stringListValues": [],
                    "binaryListValues": [],
                    "dataType": "String",
                },
            },
            "md5OfMessageAttributes": "5cb5",
            "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
            "eventSource": "aws:sqs",
            "eventSourceARN": arn,
            "awsRegion": "us-east-2",
        });
        assert_eq!(event, json!({ "Records": [record] }));
    }
}
