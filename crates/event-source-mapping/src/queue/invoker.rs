//! Invokes the function with a batch, and deletes what it has processed.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use tokio::time::Instant;
use uuid::Uuid;

use super::{
    batch::{Received, payloads},
    context::QueueContext,
    message::Message,
    source::MOST_OF_A_REQUEST,
    verdict::Verdict,
};
use crate::{event, observer::MessagesInvoked, target::Reply};

/// How often deleting is attempted. What cannot be deleted is delivered again.
const DELETE_ATTEMPTS: u32 = 5;

/// Works through batches.
pub(super) struct Invoker {
    pub(super) context: Arc<QueueContext>,
}

/// What a batch means for the concurrency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BatchEnd {
    /// It stays.
    Processed,
    /// It is reduced.
    Failed,
}

impl Invoker {
    /// Invokes the function with the messages: once, unless they are more than a payload
    /// holds.
    pub(super) async fn invoke_batch(&self, messages: Vec<Received>) -> BatchEnd {
        let mut payloads = payloads(messages);
        let mut failed_groups = HashSet::new();
        let mut end = BatchEnd::Processed;
        while let Some(payload) = payloads.pop_front() {
            // An earlier message of the group is still in the queue.
            let blocked = |one: &Received| {
                let group = one.message.group();
                group.is_some_and(|group| failed_groups.contains(group))
            };
            let (blocked, payload): (Vec<_>, Vec<_>) = payload.into_iter().partition(blocked);
            self.leave(blocked.len());
            if payload.is_empty() {
                continue;
            }
            let verdict = self.invoke(&payload).await;
            if matches!(verdict, Verdict::TooLarge) && payload.len() > 1 {
                halve(payload, &mut payloads);
                continue;
            }
            let failed = match verdict {
                Verdict::Processed(failed) => failed,
                Verdict::Stopped => {
                    self.release(&payload).await;
                    (0..payload.len()).collect()
                }
                Verdict::Failed | Verdict::TooLarge | Verdict::NotTaken => {
                    if !self.context.settings.report_batch_item_failures
                        || matches!(verdict, Verdict::NotTaken)
                    {
                        end = BatchEnd::Failed;
                    }
                    (0..payload.len()).collect::<Vec<_>>()
                }
            };
            let groups = failed
                .iter()
                .filter_map(|index| payload[*index].message.group());
            failed_groups.extend(groups.map(str::to_owned));
            self.settle(&payload, &failed).await;
        }
        end
    }

    /// Makes messages that no invocation has had visible at once.
    pub(super) async fn release(&self, messages: &[Received]) {
        let handles: Vec<_> = messages
            .iter()
            .map(|one| one.message.receipt_handle.as_str())
            .collect();
        for handles in handles.chunks(MOST_OF_A_REQUEST) {
            let queue = &self.context.queue;
            if let Err(error) = queue.change_visibility(handles, Duration::ZERO).await {
                let mapping = &self.context.name;
                tracing::warn!(mapping, %error, "messages that were not processed are visible again only after the queue's visibility timeout");
            }
        }
    }

    /// Deletes messages that no filter matched ("Lambda discards the record", "Control
    /// which events Lambda sends to your function").
    pub(super) async fn delete_filtered(&self, messages: &[Message]) {
        let deleted = self.delete(messages.iter().collect()).await;
        self.context
            .status
            .update(|counts| counts.filtered += deleted);
    }

    async fn settle(&self, payload: &[Received], failed: &[usize]) {
        self.leave(failed.len());
        let left: HashSet<_> = failed.iter().collect();
        let processed = payload.iter().enumerate();
        let processed = processed.filter(|(index, _)| !left.contains(index));
        let processed: Vec<_> = processed.map(|(_, one)| &one.message).collect();
        let deleted = self.delete(processed).await;
        self.context
            .status
            .update(|counts| counts.deleted += deleted);
    }

    /// So many messages stay in the queue.
    fn leave(&self, messages: usize) {
        let status = &self.context.status;
        status.update(|counts| counts.returned += messages as u64);
    }

    /// Deletes messages, ten at a time, and returns how many could be deleted.
    async fn delete(&self, messages: Vec<&Message>) -> u64 {
        let mut left: Vec<_> = messages
            .iter()
            .map(|message| message.receipt_handle.as_str())
            .collect();
        let all = left.len();
        let mut reason = String::new();
        for attempt in 0..DELETE_ATTEMPTS {
            if attempt > 0 {
                tokio::time::sleep(self.context.backoff.after(attempt)).await;
            }
            let mut failed = Vec::new();
            for handles in left.chunks(MOST_OF_A_REQUEST) {
                match self.context.queue.delete(handles).await {
                    Ok(indices) if indices.is_empty() => {}
                    Ok(indices) => {
                        "the queue refused to delete them".clone_into(&mut reason);
                        failed.extend(indices.into_iter().filter_map(|index| handles.get(index)));
                    }
                    Err(error) => {
                        reason = error.to_string();
                        failed.extend(handles);
                    }
                }
            }
            left = failed;
            if left.is_empty() {
                return all as u64;
            }
        }
        let (mapping, messages) = (&self.context.name, left.len());
        tracing::error!(
            mapping,
            messages,
            reason,
            "processed messages could not be deleted; they are delivered again"
        );
        self.context.status.failed(&reason, &reason);
        (all - left.len()) as u64
    }

    /// Invokes until the function has had the payload, its messages are visible again or
    /// the mapping stops. ("Lambda continues to retry the message until the message's
    /// timestamp exceeds your queue's visibility timeout": "Handling errors for an SQS
    /// event source in Lambda".)
    async fn invoke(&self, payload: &[Received]) -> Verdict {
        let context = &self.context;
        let Some(visible_at) = payload.iter().map(|one| one.visible_at).min() else {
            return Verdict::NotTaken;
        };
        let mut failures = 0;
        loop {
            let left = visible_at.saturating_duration_since(context.clock.instant());
            if left.is_zero() {
                return Verdict::NotTaken;
            }
            if context.stop.is_cancelled() {
                return Verdict::Stopped;
            }
            failures += 1;
            let verdict = self.invoke_once(payload, left, failures).await;
            if !matches!(verdict, Verdict::NotTaken) {
                return verdict;
            }
            let wait = context.backoff.after(failures).min(left);
            context.status.backing_off(wait);
            context.pause(wait).await;
            context.status.backing_off(Duration::ZERO);
        }
    }

    async fn invoke_once(&self, payload: &[Received], within: Duration, attempt: u32) -> Verdict {
        let context = &self.context;
        let event = event::join(payload.iter().map(|one| &one.json), None);
        let request_id = Uuid::new_v4().to_string();
        let started = Instant::now();
        let reply = {
            let _invoking = context.status.invoking();
            let target = &context.target;
            target.invoke_within(&request_id, event, within).await
        };
        // Once, and then at powers of two: a long outage does not flood the log.
        if let Reply::Unavailable(reason) = &reply
            && attempt.is_power_of_two()
        {
            let (mapping, target) = (&context.name, context.target.name());
            tracing::warn!(
                mapping,
                target,
                reason,
                "the function cannot be invoked; retrying"
            );
        }
        let verdict = self.judge(payload, &reply);
        let count = payload.len() as u64;
        if !matches!(verdict, Verdict::NotTaken) {
            context.status.update(|counts| {
                counts.batches += 1;
                counts.invoked += count;
            });
        }
        let failed = match &verdict {
            Verdict::Processed(failed) => failed.clone(),
            _ => (0..payload.len()).collect(),
        };
        context.status.processed(failed.is_empty());
        if !failed.is_empty() {
            self.note_error(&reply);
        }
        let messages: Vec<_> = payload.iter().map(|one| &one.message).collect();
        context.observer.messages_invoked(&MessagesInvoked {
            mapping: &context.name,
            queue: context.queue_name(),
            request_id: &request_id,
            messages: &messages,
            failed: &failed,
            elapsed: started.elapsed(),
            reply: &reply,
        });
        verdict
    }
}

/// Puts a payload back as two.
fn halve(mut payload: Vec<Received>, payloads: &mut VecDeque<Vec<Received>>) {
    let second = payload.split_off(payload.len() / 2);
    payloads.push_front(second);
    payloads.push_front(payload);
}
