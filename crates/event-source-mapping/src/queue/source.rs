//! Where a mapping receives its messages: the [`MessageQueue`] trait.

use std::time::Duration;

use async_trait::async_trait;

use super::message::Message;

/// Most messages of one request (`ReceiveMessage`, `DeleteMessageBatch`,
/// `ChangeMessageVisibilityBatch`).
pub const MOST_OF_A_REQUEST: usize = 10;

/// The longest that a `ReceiveMessage` waits for a message (`WaitTimeSeconds`).
pub const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// The state of a queue (`GetQueueAttributes`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueState {
    /// `ApproximateNumberOfMessages`: messages that can be received.
    pub visible: u64,
    /// `ApproximateNumberOfMessagesNotVisible`: messages that were received and are
    /// hidden.
    pub not_visible: u64,
    /// `ApproximateNumberOfMessagesDelayed`: messages that cannot be received yet.
    pub delayed: u64,
    /// `VisibilityTimeout`: how long a message is hidden once it is received.
    pub visibility_timeout: Duration,
}

impl Default for QueueState {
    /// An empty queue with the default visibility timeout of SQS, 30 s.
    fn default() -> Self {
        Self {
            visible: 0,
            not_visible: 0,
            delayed: 0,
            visibility_timeout: Duration::from_secs(30),
        }
    }
}

/// Why a request to SQS failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueueError {
    /// The queue does not exist (`QueueDoesNotExist`).
    #[error("{0}")]
    NotFound(String),
    /// Everything else; the mapping retries.
    #[error("{0}")]
    Unavailable(String),
}

impl QueueError {
    /// The error that SQS reports with this code: of the JSON protocol or the query
    /// protocol.
    #[must_use]
    pub fn of(code: Option<&str>, reason: String) -> Self {
        match code {
            Some(
                "QueueDoesNotExist"
                | "AWS.SimpleQueueService.NonExistentQueue"
                | "com.amazonaws.sqs#QueueDoesNotExist",
            ) => Self::NotFound(reason),
            _ => Self::Unavailable(reason),
        }
    }
}

/// One queue.
#[async_trait]
pub trait MessageQueue: Send + Sync {
    /// Receives at most `most` messages, 1 to 10, with all attributes (`ReceiveMessage`).
    /// Without a message it waits for one, at most `wait` (long polling), and returns an
    /// empty list after that. A future that is dropped should have received nothing.
    async fn receive(&self, most: usize, wait: Duration) -> Result<Vec<Message>, QueueError>;

    /// Deletes the messages of at most ten receipt handles (`DeleteMessageBatch`), and
    /// returns the indices of those that could not be deleted.
    async fn delete(&self, receipt_handles: &[&str]) -> Result<Vec<usize>, QueueError>;

    /// Hides the messages of at most ten receipt handles for `timeout` from now on
    /// (`ChangeMessageVisibilityBatch`); with zero they are visible at once.
    async fn change_visibility(
        &self,
        receipt_handles: &[&str],
        timeout: Duration,
    ) -> Result<(), QueueError>;

    /// The queue's state (`GetQueueAttributes`).
    async fn state(&self) -> Result<QueueState, QueueError>;
}
