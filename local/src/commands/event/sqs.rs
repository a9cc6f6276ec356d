//! `klocal event sqs`.

use std::path::PathBuf;

use aws_wire::{ACCOUNT_ID, DEFAULT_REGION};
use bytes::Bytes;
use clap::Args;
use event_source_mapping::queue::{context::is_fifo, event::of_messages, message::Message};
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
    /// The event, as a mapping of the queue passes it to the function.
    pub(super) fn event(&self) -> Result<Bytes, Failure> {
        let text = input::read(&self.file)?;
        let now = OffsetDateTime::now_utc();
        let messages: Vec<_> = documents(&self.file, &text)
            .enumerate()
            .map(|(index, line)| Ok(self.message(index, line?.text, now)))
            .collect::<anyhow::Result<_>>()
            .map_err(Failure::configuration)?;
        let (region, queue) = (&self.region, &self.queue);
        let arn = format!("arn:aws:sqs:{region}:{ACCOUNT_ID}:{queue}");
        Ok(of_messages(&arn, region, &messages))
    }

    fn message(&self, index: usize, body: &[u8], sent: OffsetDateTime) -> Message {
        let id = Uuid::new_v4();
        let milliseconds = (sent.unix_timestamp_nanos() / 1_000_000).to_string();
        let md5 = format!("{:x}", md5::compute(body));
        let mut attributes = vec![
            ("ApproximateReceiveCount", "1".to_owned()),
            ("SentTimestamp", milliseconds.clone()),
            ("SenderId", ACCOUNT_ID.to_owned()),
            ("ApproximateFirstReceiveTimestamp", milliseconds),
        ];
        if is_fifo(&self.queue) {
            attributes.extend([
                // 20 digits, as SQS has.
                ("SequenceNumber", format!("{:020}", index + 1)),
                ("MessageGroupId", self.message_group.clone()),
                ("MessageDeduplicationId", md5.clone()),
            ]);
        }
        let attributes = attributes.into_iter();
        Message {
            id: id.to_string(),
            receipt_handle: format!("receipt-of-{id}"),
            body: String::from_utf8_lossy(body).into_owned(),
            md5_of_body: md5,
            attributes: attributes
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
            ..Message::default()
        }
    }
}
