//! `klocal event sqs`.

use std::path::PathBuf;

use aws_wire::{ACCOUNT_ID, DEFAULT_REGION};
use bytes::Bytes;
use clap::Args;
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::documents;
use crate::{commands::input, outcome::Failure};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo local event sqs orders.jsonl --queue orders > event.json
  echo '{\"orderId\":1}' | cargo local event sqs | cargo local invoke my-function --event -")]
pub(super) struct Sqs {
    /// The messages' bodies, a JSON document in each line; - is stdin
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,

    /// The queue's name; one that ends in .fifo has message groups
    #[arg(long, value_name = "NAME", default_value = "queue")]
    queue: String,

    /// The message group of a FIFO queue
    #[arg(long, value_name = "ID", default_value = "group")]
    message_group: String,

    /// The region of the queue's ARN
    #[arg(long, env = "AWS_REGION", value_name = "REGION", default_value = DEFAULT_REGION)]
    region: String,
}

impl Sqs {
    /// The event, in the form of the Lambda developer guide ("Using Lambda with Amazon
    /// SQS", example events for standard and FIFO queues).
    pub(super) fn event(&self) -> Result<Bytes, Failure> {
        let text = input::read(&self.file)?;
        let now = OffsetDateTime::now_utc();
        let messages: Vec<_> = documents(&self.file, &text)
            .enumerate()
            .map(|(index, line)| Ok(self.message(index, line?.text, now)))
            .collect::<anyhow::Result<_>>()
            .map_err(Failure::configuration)?;
        let event = serde_json::to_vec(&json!({ "Records": messages })).map_err(Failure::run)?;
        Ok(event.into())
    }

    fn message(&self, index: usize, body: &[u8], sent: OffsetDateTime) -> Value {
        let id = Uuid::new_v4();
        let milliseconds = (sent.unix_timestamp_nanos() / 1_000_000).to_string();
        let mut attributes = json!({
            "ApproximateReceiveCount": "1",
            "SentTimestamp": milliseconds,
            "SenderId": ACCOUNT_ID,
            "ApproximateFirstReceiveTimestamp": milliseconds,
        });
        if self.queue.strip_suffix(".fifo").is_some() {
            // 20 digits, as SQS has.
            attributes["SequenceNumber"] = json!(format!("{:020}", index + 1));
            attributes["MessageGroupId"] = json!(self.message_group);
            attributes["MessageDeduplicationId"] = json!(format!("{:x}", md5::compute(body)));
        }
        let (region, queue) = (&self.region, &self.queue);
        json!({
            "messageId": id.to_string(),
            "receiptHandle": format!("receipt-of-{id}"),
            "body": String::from_utf8_lossy(body),
            "attributes": attributes,
            "messageAttributes": {},
            "md5OfBody": format!("{:x}", md5::compute(body)),
            "eventSource": "aws:sqs",
            "eventSourceARN": format!("arn:aws:sqs:{region}:{ACCOUNT_ID}:{queue}"),
            "awsRegion": region,
        })
    }
}
