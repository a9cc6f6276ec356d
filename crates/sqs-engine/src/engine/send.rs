//! Sending messages.

use std::sync::Arc;

use uuid::Uuid;

use super::{
    Engine, Inner,
    change::Change,
    committed,
    deduplication::{Deduplication, INTERVAL, Remembered},
    places::Place,
    queue::Stored,
};
use crate::{
    digest,
    error::{Code, SqsError},
    message::{Message, SendMessage, Sent, size},
    validation::{self, MOST_BATCH_BYTES},
};

/// What AWS adds to a message's number: sequence numbers have 20 digits.
const SEQUENCE_BASE: u128 = 18_400_000_000_000_000_000;

/// The sequence number of the message with this index: not consecutive, and higher for
/// every later message (API reference, `SendMessage`, `SequenceNumber`).
#[must_use]
pub(super) fn sequence_number(index: u64) -> u128 {
    SEQUENCE_BASE + u128::from(index) * 256
}

impl Engine {
    /// Sends messages in one go; each succeeds or fails alone.
    ///
    /// # Errors
    ///
    /// `QueueDoesNotExist`, `BatchRequestTooLong`, or `InternalFailure` for all of them.
    pub(crate) async fn send(
        &self,
        id: u64,
        messages: Vec<SendMessage>,
    ) -> Result<Vec<Result<Sent, SqsError>>, SqsError> {
        let length: usize = messages
            .iter()
            .map(|message| size(&message.body, &message.attributes))
            .sum();
        // One message alone has its queue's limit.
        if messages.len() > 1 && length > MOST_BATCH_BYTES {
            return Err(SqsError::new(
                Code::BatchRequestTooLong,
                format!(
                    "Batch requests cannot be longer than {MOST_BATCH_BYTES} bytes. \
                     You have sent {length} bytes."
                ),
            ));
        }
        let settings = self.inner.lock().queue(id)?.settings().clone();
        // Digests take time: before the lock.
        let prepare = |message: SendMessage| {
            validation::message(&message, &settings)?;
            Ok(Draft::new(message, settings.fifo))
        };
        let drafts: Vec<Result<Draft, SqsError>> = messages.into_iter().map(prepare).collect();
        let (sent, commit) = {
            let mut inner = self.inner.lock();
            let now = self.now();
            inner.tick(id, now)?;
            let mut changes = Vec::with_capacity(drafts.len());
            let mut sent = Vec::with_capacity(drafts.len());
            for draft in drafts {
                let added = match draft {
                    Ok(draft) => self.add(&mut inner, id, draft, now, &mut changes),
                    Err(error) => Err(error),
                };
                sent.push(added);
            }
            let commit = inner.write(changes)?;
            inner.wake(id);
            inner.clean(now);
            (sent, commit)
        };
        committed(commit).await?;
        Ok(sent)
    }

    /// Turns a draft into changes, unless it is a duplicate.
    fn add(
        &self,
        inner: &mut Inner,
        id: u64,
        draft: Draft,
        now: u64,
        changes: &mut Vec<Change>,
    ) -> Result<Sent, SqsError> {
        let queue = inner.queue(id)?;
        let settings = queue.settings();
        let fifo = settings.fifo;
        let delay = draft.delay.unwrap_or(settings.delay).saturating_mul(1000);
        let key = draft.message.deduplication_id.as_deref().map(|id| {
            let group = draft.message.group_id.as_deref();
            Deduplication::key(id, group.filter(|_| settings.deduplicates_by_group))
        });
        if let Some(key) = &key {
            let in_batch = changes.iter().find_map(|change| match change {
                Change::Remember { sent, .. } if sent.key == *key => Some(sent),
                _ => None,
            });
            if let Some(first) = in_batch.or_else(|| queue.deduplication.find(key, now)) {
                return Ok(draft.sent(first.message_id, Some(sequence_number(first.index))));
            }
        }
        let index = inner.number(&self.options.clock);
        if let Some(key) = key {
            let sent = Remembered {
                key,
                until: now + INTERVAL,
                message_id: draft.message.id,
                index,
            };
            changes.push(Change::Remember { queue: id, sent });
        }
        let sent = draft.sent(draft.message.id, fifo.then(|| sequence_number(index)));
        let place = if delay == 0 {
            Place::Ready
        } else {
            Place::Delayed(now + delay)
        };
        let stored = Stored {
            index,
            message: Arc::new(draft.message),
            sent: now,
            place,
            receives: 0,
            all_receives: 0,
            first_received: 0,
            last_received: 0,
            source: None,
        };
        changes.push(Change::Add {
            queue: id,
            stored: Box::new(stored),
        });
        Ok(sent)
    }
}

/// A checked message, with its digests.
struct Draft {
    message: Message,
    /// Seconds.
    delay: Option<u64>,
    attributes_md5: Option<String>,
    system_attributes_md5: Option<String>,
}

impl Draft {
    fn new(message: SendMessage, fifo: bool) -> Self {
        let deduplication_id = match message.deduplication_id {
            None if fifo => Some(digest::sha256(&message.body)),
            given => given,
        };
        Self {
            // A FIFO queue has its own delay only.
            delay: message.delay.filter(|_| !fifo).map(|delay| delay.as_secs()),
            attributes_md5: digest::attributes(&message.attributes),
            system_attributes_md5: digest::system_attributes(message.trace_header.as_deref()),
            message: Message {
                id: Uuid::new_v4(),
                body_md5: digest::md5(&message.body),
                body: message.body.into(),
                attributes: message.attributes,
                trace_header: message.trace_header,
                group_id: message.group_id.map(Into::into),
                deduplication_id: deduplication_id.map(Into::into),
            },
        }
    }

    fn sent(&self, message_id: Uuid, sequence_number: Option<u128>) -> Sent {
        Sent {
            message_id,
            body_md5: self.message.body_md5(),
            attributes_md5: self.attributes_md5.clone(),
            system_attributes_md5: self.system_attributes_md5.clone(),
            sequence_number,
        }
    }
}
