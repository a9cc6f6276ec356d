//! The messages of an SQS queue.

use anyhow::Context;
use aws_wire::DEFAULT_REGION;
use loopback_client::sdk_config;
use serde_json::Value;

/// Receives at most ten messages of the queue `name` at `endpoint`, as JSON.
///
/// # Errors
///
/// The queue does not exist, or a message is not JSON.
pub async fn messages(endpoint: &str, name: &str) -> anyhow::Result<Vec<Value>> {
    let sqs = aws_sdk_sqs::Client::new(&sdk_config(endpoint, DEFAULT_REGION));
    let found = sqs.get_queue_url().queue_name(name).send().await?;
    let url = found.queue_url.context("no URL")?;
    let receive = sqs.receive_message().queue_url(url);
    let received = receive.max_number_of_messages(10).send().await?;
    let bodies = received.messages.unwrap_or_default().into_iter();
    bodies
        .map(|message| Ok(serde_json::from_str(&message.body.context("no body")?)?))
        .collect()
}
