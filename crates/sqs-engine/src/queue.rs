//! A queue for this process, without a request.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crate::{
    engine::Engine,
    error::SqsError,
    message::{Receive, Received, SendMessage, Sent},
};

/// A handle on one queue; clones are the same. It outlives the queue: every call then
/// fails with `QueueDoesNotExist`, also after a queue of the same name was created.
#[derive(Debug, Clone)]
pub struct Queue {
    engine: Arc<Engine>,
    id: u64,
    name: Arc<str>,
}

impl Queue {
    pub(crate) fn new(engine: &Arc<Engine>, id: u64, name: &str) -> Self {
        Self {
            engine: Arc::clone(engine),
            id,
            name: name.into(),
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its ARN.
    #[must_use]
    pub fn arn(&self) -> String {
        self.engine.arn(&self.name)
    }

    /// Its URL for clients that reach this engine at `base`, such as
    /// `http://127.0.0.1:4566`.
    #[must_use]
    pub fn url(&self, base: &str) -> String {
        self.engine.url(base, &self.name)
    }

    /// Whether it is a FIFO queue: its name ends with `.fifo`.
    #[must_use]
    pub fn is_fifo(&self) -> bool {
        self.name.ends_with(".fifo")
    }

    /// All its attributes, as `GetQueueAttributes` returns them.
    ///
    /// # Errors
    ///
    /// `QueueDoesNotExist`.
    pub fn attributes(&self) -> Result<BTreeMap<String, String>, SqsError> {
        self.engine.attributes(self.id, &["All".to_owned()])
    }

    /// Sets attributes, as `SetQueueAttributes` does.
    ///
    /// # Errors
    ///
    /// As the API reference states for `SetQueueAttributes`.
    pub async fn set_attributes(
        &self,
        attributes: &BTreeMap<String, String>,
    ) -> Result<(), SqsError> {
        self.engine.set_attributes(self.id, attributes).await
    }

    /// Sends a message.
    ///
    /// # Errors
    ///
    /// As the API reference states for `SendMessage`.
    pub async fn send(&self, message: SendMessage) -> Result<Sent, SqsError> {
        let sent = self.send_all(vec![message]).await?;
        sent.into_iter()
            .next()
            .unwrap_or_else(|| Err(SqsError::no_such_queue()))
    }

    /// Sends messages in one go, in their order; each succeeds or fails alone. Like
    /// `SendMessageBatch`, without its limit of ten.
    ///
    /// # Errors
    ///
    /// As the API reference states for `SendMessageBatch`.
    pub async fn send_all(
        &self,
        messages: Vec<SendMessage>,
    ) -> Result<Vec<Result<Sent, SqsError>>, SqsError> {
        self.engine.send(self.id, messages).await
    }

    /// Receives messages, and waits for them as long as `request` or the queue say.
    /// Dropping the future while it waits takes no message.
    ///
    /// # Errors
    ///
    /// As the API reference states for `ReceiveMessage`.
    pub async fn receive(&self, request: &Receive) -> Result<Vec<Received>, SqsError> {
        self.engine.receive(self.id, request).await
    }

    /// Deletes a message.
    ///
    /// # Errors
    ///
    /// As the API reference states for `DeleteMessage`.
    pub async fn delete(&self, receipt_handle: &str) -> Result<(), SqsError> {
        self.delete_all(&[receipt_handle]).await?.remove(0)
    }

    /// Deletes messages in one go; each succeeds or fails alone. Like
    /// `DeleteMessageBatch`, without its limit of ten.
    ///
    /// # Errors
    ///
    /// As the API reference states for `DeleteMessageBatch`.
    pub async fn delete_all(
        &self,
        receipt_handles: &[&str],
    ) -> Result<Vec<Result<(), SqsError>>, SqsError> {
        self.engine.delete(self.id, receipt_handles).await
    }

    /// Lets a message in flight stay invisible for `timeout` from now, in whole seconds;
    /// zero makes it visible at once.
    ///
    /// # Errors
    ///
    /// As the API reference states for `ChangeMessageVisibility`.
    pub async fn change_visibility(
        &self,
        receipt_handle: &str,
        timeout: Duration,
    ) -> Result<(), SqsError> {
        let entry = (receipt_handle, timeout.as_secs());
        let mut outcomes = self.engine.change_visibility(self.id, &[entry]).await?;
        outcomes.remove(0)
    }

    /// Deletes every message.
    ///
    /// # Errors
    ///
    /// As the API reference states for `PurgeQueue`.
    pub async fn purge(&self) -> Result<(), SqsError> {
        self.engine.purge(self.id).await
    }
}
