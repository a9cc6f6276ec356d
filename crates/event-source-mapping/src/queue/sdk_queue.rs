//! A queue through the AWS SDK, at any SQS endpoint.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use aws_config::{SdkConfig, timeout::TimeoutConfig};
use aws_sdk_sqs::{
    Client,
    error::{BuildError, ProvideErrorMetadata, SdkError},
    types::{
        ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry,
        MessageAttributeValue, MessageSystemAttributeName, QueueAttributeName,
    },
};
use bytes::Bytes;
use tokio::sync::OnceCell;

use super::{
    message::{AttributeValue, Message, MessageAttribute},
    source::{LONGEST_WAIT, MessageQueue, QueueError, QueueState},
};
use crate::sdk_error;

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(2);

/// How long a request may take beyond the wait for a message.
const REQUEST: Duration = Duration::from_secs(10);

/// A queue at the SDK's endpoint.
#[derive(Debug)]
pub struct SdkQueue {
    client: Client,
    name: String,
    url: OnceCell<String>,
}

impl SdkQueue {
    /// The queue of that name at the endpoint of `config`.
    #[must_use]
    pub fn new(config: &SdkConfig, name: &str) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT)
            .operation_attempt_timeout(LONGEST_WAIT + REQUEST)
            .operation_timeout(LONGEST_WAIT + 2 * REQUEST);
        let config = aws_sdk_sqs::config::Builder::from(config).timeout_config(timeouts.build());
        Self {
            client: Client::from_conf(config.build()),
            name: name.to_owned(),
            url: OnceCell::new(),
        }
    }

    /// Its URL (`GetQueueUrl`), requested once.
    async fn url(&self) -> Result<&str, QueueError> {
        let asked = self.url.get_or_try_init(|| async {
            let found = self.client.get_queue_url().queue_name(&self.name);
            let found = found.send().await.map_err(failed)?;
            found
                .queue_url
                .ok_or_else(|| QueueError::Unavailable("GetQueueUrl returned no URL".to_owned()))
        });
        asked.await.map(String::as_str)
    }
}

#[async_trait]
impl MessageQueue for SdkQueue {
    async fn receive(&self, most: usize, wait: Duration) -> Result<Vec<Message>, QueueError> {
        let request = self
            .client
            .receive_message()
            .queue_url(self.url().await?)
            .max_number_of_messages(i32::try_from(most).unwrap_or(1))
            .wait_time_seconds(seconds(wait))
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .message_attribute_names("All");
        let reply = request.send().await.map_err(failed)?;
        let messages = reply.messages.unwrap_or_default();
        Ok(messages.into_iter().map(message).collect())
    }

    async fn delete(&self, receipt_handles: &[&str]) -> Result<Vec<usize>, QueueError> {
        let mut request = self.client.delete_message_batch();
        request = request.queue_url(self.url().await?);
        for (index, handle) in receipt_handles.iter().enumerate() {
            let entry = DeleteMessageBatchRequestEntry::builder()
                .id(index.to_string())
                .receipt_handle(*handle);
            request = request.entries(entry.build().map_err(|error| incomplete(&error))?);
        }
        let reply = request.send().await.map_err(failed)?;
        let ids = reply.failed.iter().map(|entry| entry.id.parse());
        Ok(ids.filter_map(Result::ok).collect())
    }

    async fn change_visibility(
        &self,
        receipt_handles: &[&str],
        timeout: Duration,
    ) -> Result<(), QueueError> {
        let mut request = self.client.change_message_visibility_batch();
        request = request.queue_url(self.url().await?);
        for (index, handle) in receipt_handles.iter().enumerate() {
            let entry = ChangeMessageVisibilityBatchRequestEntry::builder()
                .id(index.to_string())
                .receipt_handle(*handle)
                .visibility_timeout(seconds(timeout));
            request = request.entries(entry.build().map_err(|error| incomplete(&error))?);
        }
        let reply = request.send().await.map_err(failed)?;
        match reply.failed.first() {
            None => Ok(()),
            Some(first) => {
                let reason = first.message.as_deref().unwrap_or(&first.code);
                Err(QueueError::Unavailable(reason.to_owned()))
            }
        }
    }

    async fn state(&self) -> Result<QueueState, QueueError> {
        let reply = self
            .client
            .get_queue_attributes()
            .queue_url(self.url().await?)
            .attribute_names(QueueAttributeName::All)
            .send()
            .await
            .map_err(failed)?;
        let attributes = reply.attributes.unwrap_or_default();
        let number = |name| attributes.get(&name).and_then(|text| text.parse().ok());
        let visible = number(QueueAttributeName::ApproximateNumberOfMessages);
        let hidden = number(QueueAttributeName::ApproximateNumberOfMessagesNotVisible);
        let delayed = number(QueueAttributeName::ApproximateNumberOfMessagesDelayed);
        let timeout = number(QueueAttributeName::VisibilityTimeout);
        Ok(QueueState {
            visible: visible.unwrap_or(0),
            not_visible: hidden.unwrap_or(0),
            delayed: delayed.unwrap_or(0),
            visibility_timeout: timeout.map_or_else(
                || QueueState::default().visibility_timeout,
                Duration::from_secs,
            ),
        })
    }
}

fn message(message: aws_sdk_sqs::types::Message) -> Message {
    let attributes = message.attributes.unwrap_or_default().into_iter();
    let given = message.message_attributes.unwrap_or_default().into_iter();
    let given: BTreeMap<_, _> = given
        .filter_map(|(name, value)| Some((name, message_attribute(value)?)))
        .collect();
    Message {
        id: message.message_id.unwrap_or_default(),
        receipt_handle: message.receipt_handle.unwrap_or_default(),
        body: message.body.unwrap_or_default(),
        md5_of_body: message.md5_of_body.unwrap_or_default(),
        attributes: attributes
            .map(|(name, value)| (name.as_str().to_owned(), value))
            .collect(),
        // Some emulators send the digest of nothing.
        md5_of_message_attributes: message
            .md5_of_message_attributes
            .filter(|_| !given.is_empty()),
        message_attributes: given,
    }
}

fn message_attribute(value: MessageAttributeValue) -> Option<MessageAttribute> {
    let data_type = value.data_type;
    let text = value.string_value.map(AttributeValue::Text);
    let binary = value
        .binary_value
        .map(|bytes| AttributeValue::Binary(Bytes::from(bytes.into_inner())));
    let value = text.or(binary)?;
    Some(MessageAttribute { data_type, value })
}

fn seconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_secs()).unwrap_or(i32::MAX)
}

fn incomplete(error: &BuildError) -> QueueError {
    QueueError::Unavailable(error.to_string())
}

fn failed<E>(error: SdkError<E>) -> QueueError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let code = error.code().map(str::to_owned);
    QueueError::of(code.as_deref(), sdk_error::reason(error))
}
