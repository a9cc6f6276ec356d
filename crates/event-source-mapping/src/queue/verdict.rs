//! What a reply means for the messages of its invocation.

use bytes::Bytes;

use super::{batch::Received, invoker::Invoker};
use crate::{
    observer,
    response::{self, FailedItems},
    target::Reply,
};

/// What follows from an invocation.
pub(super) enum Verdict {
    /// Every message is processed but those of these indices.
    Processed(Vec<usize>),
    /// No message is processed.
    Failed,
    /// The endpoint accepts only smaller payloads.
    TooLarge,
    /// The function was not invoked while the messages were hidden.
    NotTaken,
    /// The mapping stops, and the function was not invoked.
    Stopped,
}

impl Invoker {
    pub(super) fn judge(&self, payload: &[Received], reply: &Reply) -> Verdict {
        let (mapping, messages) = (&self.context.name, payload.len());
        match reply {
            Reply::Success(response) => self.judge_response(payload, response),
            Reply::FunctionError(error) => {
                tracing::warn!(target: observer::LOG_TARGET, mapping, messages, kind = ?error.kind, error = error.summary(), "the function failed");
                Verdict::Failed
            }
            Reply::Throttled | Reply::Unavailable(_) => Verdict::NotTaken,
            Reply::TooLarge => Verdict::TooLarge,
        }
    }

    fn judge_response(&self, payload: &[Received], response: &Bytes) -> Verdict {
        if !self.context.settings.report_batch_item_failures {
            return Verdict::Processed(Vec::new());
        }
        let ids: Vec<_> = payload.iter().map(|one| one.message.id.as_str()).collect();
        match response::failed_items(response, &ids) {
            FailedItems::These(failed) => {
                self.warn_of_order(payload, &failed);
                Verdict::Processed(failed)
            }
            FailedItems::All => {
                let mapping = &self.context.name;
                tracing::warn!(mapping, response = %String::from_utf8_lossy(response), "the function's response names no message of its batch; the whole batch failed");
                Verdict::Failed
            }
        }
    }

    /// A function of a FIFO queue has to return all messages that follow a failed one.
    /// Lambda deletes the others, and so does this mapping.
    fn warn_of_order(&self, payload: &[Received], failed: &[usize]) {
        let group = |index: &usize| payload[*index].message.group();
        let lost = (0..payload.len()).find(|index| {
            let earlier = || failed.iter().filter(|failed| *failed < index);
            group(index).is_some()
                && !failed.contains(index)
                && earlier().any(|one| group(one) == group(index))
        });
        if let Some(index) = lost {
            let (mapping, message) = (&self.context.name, &payload[index].message.id);
            let group = payload[index].message.group();
            tracing::warn!(
                mapping,
                message,
                group,
                "the function returned batch item failures without the messages that follow in the message group; they are deleted as processed, and the group loses its order"
            );
        }
    }

    pub(super) fn note_error(&self, reply: &Reply) {
        let status = &self.context.status;
        match reply {
            Reply::Success(_) => {
                let line = "the function returned batch item failures";
                status.failed(line, line);
            }
            Reply::FunctionError(error) => status.failed(&error.summary(), &error.text()),
            Reply::Throttled => status.failed("throttled", "throttled"),
            Reply::TooLarge => {
                let line = "the payload is too large";
                status.failed(line, line);
            }
            Reply::Unavailable(reason) => status.failed(reason, reason),
        }
    }
}
