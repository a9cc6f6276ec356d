//! An SQS queue as the on-failure destination, at any endpoint that offers SQS.

use std::time::Duration;

use async_trait::async_trait;
use aws_config::{SdkConfig, timeout::TimeoutConfig};
use aws_sdk_sqs::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
};
use serde_json::Value;
use tokio::sync::OnceCell;

use super::destination::{Destination, FUNCTION_ERROR};
use crate::sdk_error;

/// How long a call may take with its retries: the shard waits for it.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The queue of a mapping's `OnFailure`.
#[derive(Debug)]
pub struct SqsQueue {
    client: Client,
    name: String,
    url: OnceCell<String>,
}

/// The endpoint has no such queue, or refuses its messages.
#[derive(Debug, thiserror::Error)]
#[error("queue {name}: {reason}")]
pub struct QueueError {
    name: String,
    reason: String,
}

impl SqsQueue {
    /// The queue of that ARN at the endpoint of `config`; `None` for the ARN of another
    /// service.
    #[must_use]
    pub fn of_arn(arn: &str, config: &SdkConfig) -> Option<Self> {
        let mut parts = arn.split(':').skip(2);
        let (service, name) = (parts.next()?, parts.nth(2)?);
        let timeouts = TimeoutConfig::builder().operation_timeout(TIMEOUT);
        let config = aws_sdk_sqs::config::Builder::from(config).timeout_config(timeouts.build());
        (service == "sqs").then(|| Self {
            client: Client::from_conf(config.build()),
            name: name.to_owned(),
            url: OnceCell::new(),
        })
    }

    /// The queue's URL (`GetQueueUrl`), requested once.
    ///
    /// # Errors
    ///
    /// The endpoint offers no SQS, or has no such queue.
    pub async fn url(&self) -> Result<&str, QueueError> {
        let asked = self.url.get_or_try_init(|| async {
            let found = self.client.get_queue_url().queue_name(&self.name);
            let found = found.send().await.map_err(|error| self.failed(error))?;
            found
                .queue_url
                .ok_or_else(|| self.because("the endpoint returned no URL".to_owned()))
        });
        asked.await.map(String::as_str)
    }

    fn failed<E>(&self, error: SdkError<E>) -> QueueError
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        self.because(sdk_error::reason(error))
    }

    fn because(&self, reason: String) -> QueueError {
        QueueError {
            name: self.name.clone(),
            reason,
        }
    }
}

#[async_trait]
impl Destination for SqsQueue {
    async fn keep(&self, document: &Value) -> std::io::Result<String> {
        let url = self.url().await.map_err(std::io::Error::other)?;
        let message = self.client.send_message().queue_url(url);
        let sent = message
            .message_body(as_sent(document).to_string())
            .send()
            .await;
        sent.map_err(|error| std::io::Error::other(self.failed(error)))?;
        Ok(url.to_owned())
    }
}

/// The document without what AWS does not send.
fn as_sent(document: &Value) -> Value {
    let mut document = document.clone();
    if let Some(members) = document.as_object_mut() {
        members.remove(FUNCTION_ERROR);
    }
    document
}
