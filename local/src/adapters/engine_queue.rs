//! A queue of the engine in this process, which wakes its receiver.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use aws_wire::ACCOUNT_ID;
use event_source_mapping::queue::{
    message::{AttributeValue, Message, MessageAttribute},
    source::{MessageQueue, QueueError, QueueState},
};
use sqs_engine::{Queue, Receive, Received, Sqs, SqsError, error::Code, message};

/// The queue of one name. It is looked up for each request: it may be deleted and created
/// again.
#[derive(Debug)]
pub struct EngineQueue {
    sqs: Arc<Sqs>,
    name: String,
}

impl EngineQueue {
    /// The queue of that name in `sqs`.
    #[must_use]
    pub fn new(sqs: Arc<Sqs>, name: &str) -> Self {
        Self {
            sqs,
            name: name.to_owned(),
        }
    }

    fn queue(&self) -> Result<Queue, QueueError> {
        let found = self.sqs.queue(&self.name);
        found.ok_or_else(|| QueueError::NotFound(format!("queue {} does not exist", self.name)))
    }
}

#[async_trait]
impl MessageQueue for EngineQueue {
    async fn receive(&self, most: usize, wait: Duration) -> Result<Vec<Message>, QueueError> {
        let request = Receive {
            max_messages: most,
            wait: Some(wait),
            ..Receive::default()
        };
        let received = self.queue()?.receive(&request).await.map_err(failed)?;
        Ok(received.iter().map(message).collect())
    }

    async fn delete(&self, receipt_handles: &[&str]) -> Result<Vec<usize>, QueueError> {
        let deleted = self.queue()?.delete_all(receipt_handles).await;
        let deleted = deleted.map_err(failed)?.into_iter().enumerate();
        let refused = deleted.filter(|(_, outcome)| outcome.is_err());
        Ok(refused.map(|(index, _)| index).collect())
    }

    async fn change_visibility(
        &self,
        receipt_handles: &[&str],
        timeout: Duration,
    ) -> Result<(), QueueError> {
        let queue = self.queue()?;
        let mut result = Ok(());
        for handle in receipt_handles {
            let changed = queue.change_visibility(handle, timeout).await;
            result = result.and(changed.map_err(failed));
        }
        result
    }

    async fn state(&self) -> Result<QueueState, QueueError> {
        let attributes = self.queue()?.attributes().map_err(failed)?;
        let number = |name: &str| attributes.get(name).and_then(|text| text.parse().ok());
        let timeout = number("VisibilityTimeout").map(Duration::from_secs);
        Ok(QueueState {
            visible: number("ApproximateNumberOfMessages").unwrap_or(0),
            not_visible: number("ApproximateNumberOfMessagesNotVisible").unwrap_or(0),
            delayed: number("ApproximateNumberOfMessagesDelayed").unwrap_or(0),
            visibility_timeout: timeout.unwrap_or(QueueState::default().visibility_timeout),
        })
    }
}

/// A message with the attributes that `ReceiveMessage` shows with `All`.
fn message(received: &Received) -> Message {
    let message = &received.message;
    let text = |text: &Option<Arc<str>>| text.as_deref().map(str::to_owned);
    let attributes = [
        ("AWSTraceHeader", message.trace_header.clone()),
        (
            "ApproximateFirstReceiveTimestamp",
            Some(received.first_received.to_string()),
        ),
        (
            "ApproximateReceiveCount",
            Some(received.receive_count.to_string()),
        ),
        (
            "DeadLetterQueueSourceArn",
            text(&received.dead_letter_source),
        ),
        ("MessageDeduplicationId", text(&message.deduplication_id)),
        ("MessageGroupId", text(&message.group_id)),
        ("SenderId", Some(ACCOUNT_ID.to_owned())),
        ("SentTimestamp", Some(received.sent.to_string())),
        (
            "SequenceNumber",
            received.sequence_number.map(|number| number.to_string()),
        ),
    ];
    let attributes = attributes.into_iter();
    let given = message.attributes.iter();
    Message {
        id: message.id.to_string(),
        receipt_handle: received.receipt_handle.clone(),
        body: message.body.to_string(),
        md5_of_body: message.body_md5(),
        attributes: attributes
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .collect(),
        message_attributes: given
            .map(|(name, value)| (name.clone(), attribute(value)))
            .collect(),
        md5_of_message_attributes: message.attributes_md5(),
    }
}

fn attribute(attribute: &message::MessageAttribute) -> MessageAttribute {
    MessageAttribute {
        data_type: attribute.data_type.clone(),
        value: match &attribute.value {
            message::AttributeValue::Text(text) => AttributeValue::Text(text.clone()),
            message::AttributeValue::Binary(bytes) => AttributeValue::Binary(bytes.clone()),
        },
    }
}

fn failed(error: SqsError) -> QueueError {
    match error.code {
        Code::QueueDoesNotExist => QueueError::NotFound(error.message),
        _ => QueueError::Unavailable(error.message),
    }
}
