//! The queues of an environment.

use std::time::Duration;

use sqs_engine::{Queue, Receive, SendMessage, SqsError};

use super::{Environment, Error};

impl Environment {
    /// Sends a message to a queue.
    ///
    /// # Errors
    ///
    /// There is no such queue, or SQS refuses the message, as in AWS.
    pub async fn send(&self, queue: &str, body: impl Into<String>) -> Result<(), Error> {
        let sent = self.queue(queue)?.send(SendMessage::new(body)).await;
        sent.map(|_| ()).map_err(|error| failed(queue, &error))
    }

    /// Receives the messages of a queue that are visible now, and deletes them. Returns
    /// their bodies.
    ///
    /// # Errors
    ///
    /// There is no such queue.
    pub async fn messages(&self, queue: &str) -> Result<Vec<String>, Error> {
        let found = self.queue(queue)?;
        let receive = Receive {
            max_messages: 10,
            wait: Some(Duration::ZERO),
            ..Receive::default()
        };
        let mut bodies = Vec::new();
        loop {
            let received = found.receive(&receive).await;
            let received = received.map_err(|error| failed(queue, &error))?;
            if received.is_empty() {
                return Ok(bodies);
            }
            let handles = received.iter().map(|one| one.receipt_handle.as_str());
            let handles: Vec<_> = handles.collect();
            let deleted = found.delete_all(&handles).await;
            deleted.map_err(|error| failed(queue, &error))?;
            bodies.extend(received.iter().map(|one| one.message.body.to_string()));
        }
    }

    fn queue(&self, name: &str) -> Result<Queue, Error> {
        let found = self.embedded.aws.sqs.queue(name);
        found.ok_or_else(|| Error::NoQueue(name.to_owned()))
    }
}

fn failed(queue: &str, error: &SqsError) -> Error {
    Error::Queue {
        queue: queue.to_owned(),
        reason: error.message.clone(),
    }
}
