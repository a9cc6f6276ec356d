//! Publishes what functions and mappings do.

use std::{path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use event_source_mapping::{
    batch::Prepared,
    observer::{self, Invoked, Invoking},
    queue::message::Message,
    retry_state::Discarded,
    settlement::DiscardedBatch,
    source::Record,
    target::{ErrorKind, FunctionError, Reply},
};
use lambda_host::{
    log::{LogLine, LogSink},
    observer::{Ended, Invoker, Started},
    outcome,
};
use serde_json::Value;

use super::{
    BatchDiscarded, BatchInvoked, Detail, Error, EventBus, EventKind, InvocationEnded,
    MessagesInvoked, Outcome, Records, SeenRecord, ShardEnd,
};
use crate::mappings::registry::MappedFunctions;

/// Bytes of a response that a detail has.
const MOST_OF_RESPONSE: usize = 2048;

/// Publishes what mappings do, and passes it on to another observer.
pub struct Observers {
    bus: EventBus,
    /// The function of each mapping.
    functions: MappedFunctions,
    next: Arc<dyn observer::Observer>,
}

impl Observers {
    /// Publishes to `bus` and passes on to `next`. `functions` has each mapping's function.
    #[must_use]
    pub fn new(
        bus: EventBus,
        functions: MappedFunctions,
        next: Arc<dyn observer::Observer>,
    ) -> Self {
        Self {
            bus,
            functions,
            next,
        }
    }

    fn function(&self, mapping: &str) -> String {
        self.functions.of(mapping)
    }

    fn stream(&self, mapping: &str) -> Arc<str> {
        self.functions.source_of(mapping)
    }

    fn records<'a>(
        &self,
        mapping: &str,
        shard: &str,
        numbers: impl Iterator<Item = &'a str>,
    ) -> Records {
        Records {
            mapping: mapping.to_owned(),
            function: self.function(mapping),
            stream: self.stream(mapping),
            shard: shard.to_owned(),
            sequence_numbers: numbers.collect(),
        }
    }

    fn batch_invoked(&self, invoked: &Invoked<'_>) -> BatchInvoked {
        let records = invoked.records;
        let number = |record: Option<&Prepared>| {
            record.map_or_else(String::new, |one| one.record.sequence_number.clone())
        };
        let (outcome, error) = judged(invoked);
        BatchInvoked {
            mapping: invoked.mapping.to_owned(),
            function: self.function(invoked.mapping),
            shard: invoked.shard.to_owned(),
            request_id: invoked.request_id.to_owned(),
            retry: invoked.retry,
            records: records.len() as u64,
            processed: invoked.done as u64,
            partition_key: records
                .first()
                .map_or_else(String::new, |one| one.record.partition_key.clone()),
            start_sequence_number: number(records.first()),
            end_sequence_number: number(records.last()),
            duration_ms: milliseconds(invoked.elapsed),
            outcome,
            error,
        }
    }
}

impl Observers {
    fn messages(&self, invoked: &observer::MessagesInvoked<'_>) -> MessagesInvoked {
        let (messages, failed) = (invoked.messages, invoked.failed);
        let first = failed.first().copied().unwrap_or(0);
        let first = messages.get(first).copied();
        let count = first.and_then(|one| one.attributes.get("ApproximateReceiveCount"));
        let message_id = first.map_or_else(String::new, |one| one.id.clone());
        let (outcome, error) = match invoked.reply {
            Reply::Success(_) if failed.is_empty() => (Outcome::Ok, None),
            Reply::Success(_) => {
                let message = match failed.len() {
                    1 => format!("batch item failure: message {message_id}"),
                    many => format!(
                        "batch item failures: message {message_id} and {} more",
                        many - 1
                    ),
                };
                told(Outcome::Partial, &message)
            }
            reply => failure(reply),
        };
        MessagesInvoked {
            mapping: invoked.mapping.to_owned(),
            function: self.function(invoked.mapping),
            queue: invoked.queue.to_owned(),
            request_id: invoked.request_id.to_owned(),
            messages: messages.len() as u64,
            processed: (messages.len() - failed.len()) as u64,
            message_id,
            receive_count: count.and_then(|text| text.parse().ok()).unwrap_or(0),
            duration_ms: milliseconds(invoked.elapsed),
            outcome,
            error,
        }
    }
}

impl observer::Observer for Observers {
    fn messages_invoked(&self, invoked: &observer::MessagesInvoked<'_>) {
        self.bus
            .publish(|| EventKind::MessagesInvoked(self.messages(invoked)));
        self.next.messages_invoked(invoked);
    }

    fn message_filtered(&self, mapping: &str, message: &Message) {
        self.next.message_filtered(mapping, message);
    }

    fn read(&self, mapping: &str, shard: &str, records: &[Record]) {
        self.bus.publish_detail(|| {
            let numbers = records.iter().map(|record| &*record.sequence_number);
            Detail::RecordsRead(self.records(mapping, shard, numbers))
        });
        self.next.read(mapping, shard, records);
    }

    fn invoking(&self, invoking: &Invoking<'_>) {
        self.bus.publish_detail(|| {
            let (mapping, shard) = (invoking.mapping, invoking.shard);
            Detail::Invoking {
                records: self.records(mapping, shard, numbers(invoking.records)),
                request_id: invoking.request_id.to_owned(),
                retry: invoking.retry,
            }
        });
        self.next.invoking(invoking);
    }

    fn invoked(&self, invoked: &Invoked<'_>) {
        self.bus
            .publish(|| EventKind::BatchInvoked(self.batch_invoked(invoked)));
        self.bus.publish_detail(|| {
            let shard: Arc<str> = invoked.shard.into();
            let records = invoked.records.iter();
            Detail::Invoked {
                stream: self.stream(invoked.mapping),
                batch: self.batch_invoked(invoked),
                records: records.map(|one| seen(&shard, &one.record)).collect(),
                response: response(invoked.reply),
            }
        });
        self.next.invoked(invoked);
    }

    fn filtered(&self, mapping: &str, shard: &str, record: &Record) {
        self.bus.publish_detail(|| {
            let number = std::iter::once(&*record.sequence_number);
            Detail::Filtered(self.records(mapping, shard, number))
        });
        self.next.filtered(mapping, shard, record);
    }

    fn discarded(&self, mapping: &str, shard: &str, records: &[Prepared], discarded: &Discarded) {
        self.bus.publish_detail(|| Detail::Discarded {
            records: self.records(mapping, shard, numbers(records)),
            condition: discarded.condition.as_str(),
        });
        self.next.discarded(mapping, shard, records, discarded);
    }

    fn batch_discarded(&self, batch: &DiscardedBatch, invocation_record: Option<&str>) {
        self.bus.publish(|| {
            EventKind::BatchDiscarded(BatchDiscarded {
                mapping: batch.mapping.clone(),
                function: self.function(&batch.mapping),
                shard: batch.shard.clone(),
                records: batch.records,
                start_sequence_number: batch.start_sequence_number.clone(),
                end_sequence_number: batch.end_sequence_number.clone(),
                condition: batch.condition.clone(),
                error: batch.error.clone(),
                id: invocation_record.and_then(id),
            })
        });
        self.next.batch_discarded(batch, invocation_record);
    }

    fn retrying(&self, mapping: &str, shard: &str, failures: u32, wait: Duration) {
        self.bus.publish(|| EventKind::RetryScheduled {
            mapping: mapping.to_owned(),
            function: self.function(mapping),
            shard: shard.to_owned(),
            failures,
            wait_ms: milliseconds(wait),
        });
        self.next.retrying(mapping, shard, failures, wait);
    }

    fn shard_opened(&self, mapping: &str, shard: &str) {
        self.bus.publish(|| EventKind::ShardOpened {
            mapping: mapping.to_owned(),
            function: self.function(mapping),
            shard: shard.to_owned(),
        });
        self.next.shard_opened(mapping, shard);
    }

    fn shard_closed(&self, mapping: &str, shard: &str, why: observer::ShardEnd) {
        self.bus.publish(|| EventKind::ShardClosed {
            mapping: mapping.to_owned(),
            function: self.function(mapping),
            shard: shard.to_owned(),
            why: match why {
                observer::ShardEnd::Processed => ShardEnd::Processed,
                observer::ShardEnd::Gone => ShardEnd::Gone,
                observer::ShardEnd::Recreated => ShardEnd::Recreated,
                observer::ShardEnd::Panicked => ShardEnd::Panicked,
                observer::ShardEnd::Stopped => ShardEnd::Stopped,
            },
        });
        self.next.shard_closed(mapping, shard, why);
    }
}

fn numbers(records: &[Prepared]) -> impl Iterator<Item = &str> {
    records.iter().map(|one| &*one.record.sequence_number)
}

fn seen(shard: &Arc<str>, record: &Record) -> SeenRecord {
    SeenRecord {
        shard: shard.clone(),
        sequence_number: record.sequence_number.clone(),
        partition_key: record.partition_key.clone(),
        data: record.data.clone(),
        arrived: Some(record.arrived),
    }
}

/// The beginning of a response, or of a function error's document. Copied: the whole could
/// be kept for it.
fn response(reply: &Reply) -> Option<Bytes> {
    let payload = match reply {
        Reply::Success(payload) => payload,
        Reply::FunctionError(error) => &error.payload,
        Reply::Throttled | Reply::TooLarge | Reply::Unavailable(_) => return None,
    };
    let most = payload.len().min(MOST_OF_RESPONSE);
    Some(Bytes::copy_from_slice(&payload[..most]))
}

impl lambda_host::observer::Observer for EventBus {
    fn environment_started(&self, function: &str, environment: u64, init: Duration) {
        self.publish(|| EventKind::EnvironmentStarted {
            function: function.to_owned(),
            environment,
            init_ms: milliseconds(init),
        });
    }

    fn environment_ended(&self, function: &str, environment: u64) {
        self.publish(|| EventKind::EnvironmentEnded {
            function: function.to_owned(),
            environment,
        });
    }

    fn invocation_started(&self, started: &Started<'_>) {
        self.publish(|| EventKind::InvocationStarted {
            function: started.function.to_owned(),
            environment: started.environment,
            request_id: started.request_id.to_owned(),
            by_mapping: started.invoker == Invoker::Mapping,
            trace: started.trace.to_owned(),
        });
    }

    fn invocation_ended(&self, ended: &Ended<'_>) {
        self.count_invocation();
        self.publish(|| {
            let (outcome, error) = outcome_of(ended.outcome);
            EventKind::InvocationEnded(InvocationEnded {
                function: ended.function.to_owned(),
                environment: ended.environment,
                request_id: ended.request_id.to_owned(),
                by_mapping: ended.invoker == Invoker::Mapping,
                duration_ms: milliseconds(ended.took),
                outcome,
                error,
            })
        });
    }
}

impl EventBus {
    /// A sink that publishes every line and passes it on.
    #[must_use]
    pub fn sink(&self, next: LogSink) -> LogSink {
        let bus = self.clone();
        Arc::new(move |line: LogLine| {
            bus.publish_at(
                || line.at,
                || EventKind::Log {
                    function: line.function.to_string(),
                    environment: line.environment,
                    text: line.text.clone(),
                },
            );
            next(line);
        })
    }
}

/// The outcome of a mapping's invocation, as the mapping has judged it.
fn judged(invoked: &Invoked<'_>) -> (Outcome, Option<Error>) {
    match invoked.reply {
        Reply::Success(_) if invoked.done == invoked.records.len() => (Outcome::Ok, None),
        Reply::Success(_) => {
            let failed = &invoked.records[invoked.done].record.sequence_number;
            let message = format!("batch item failures from sequence number {failed}");
            told(Outcome::Partial, &message)
        }
        reply => failure(reply),
    }
}

/// The outcome of an invocation that did not succeed.
fn failure(reply: &Reply) -> (Outcome, Option<Error>) {
    match reply {
        Reply::Success(_) => (Outcome::Ok, None),
        Reply::FunctionError(error) => {
            let outcome = match error.kind {
                ErrorKind::Handled => Outcome::Error,
                ErrorKind::Timeout => Outcome::Timeout,
                ErrorKind::Exit => Outcome::Exit,
                ErrorKind::Init => Outcome::Init,
                ErrorKind::ResponseTooLarge => Outcome::TooLarge,
            };
            (outcome, Some(Error::of(error)))
        }
        Reply::Throttled => (Outcome::Throttled, None),
        Reply::TooLarge => told(Outcome::TooLarge, "the payload is larger than 6 MB"),
        Reply::Unavailable(reason) => told(Outcome::Unavailable, reason),
    }
}

fn told(outcome: Outcome, message: &str) -> (Outcome, Option<Error>) {
    let (kind, message) = (String::new(), message.to_owned());
    (outcome, Some(Error { kind, message }))
}

fn outcome_of(outcome: &outcome::Outcome) -> (Outcome, Option<Error>) {
    match outcome {
        outcome::Outcome::Success(_) => (Outcome::Ok, None),
        outcome::Outcome::FunctionError(error) => {
            let outcome = match error.kind {
                outcome::ErrorKind::Handled => Outcome::Error,
                outcome::ErrorKind::Timeout => Outcome::Timeout,
                outcome::ErrorKind::Exit => Outcome::Exit,
                outcome::ErrorKind::Init => Outcome::Init,
                outcome::ErrorKind::ResponseTooLarge => Outcome::TooLarge,
            };
            (outcome, Some(Error::read(&error.payload)))
        }
        outcome::Outcome::Throttled => (Outcome::Throttled, None),
        outcome::Outcome::TooLarge { bytes } => {
            let (kind, message) = (String::new(), format!("the payload has {bytes} bytes"));
            (Outcome::TooLarge, Some(Error { kind, message }))
        }
    }
}

impl Error {
    fn of(error: &FunctionError) -> Self {
        Self::read(&error.payload)
    }

    /// Reads `{"errorType":…,"errorMessage":…}`.
    #[must_use]
    pub fn read(payload: &[u8]) -> Self {
        let document: Value = serde_json::from_slice(payload).unwrap_or_default();
        let field = |name| document.get(name).and_then(Value::as_str);
        let kind = field("errorType").unwrap_or_default().to_owned();
        let message = match field("errorMessage") {
            Some(message) => message.to_owned(),
            None if kind.is_empty() => String::from_utf8_lossy(payload).into_owned(),
            None => String::new(),
        };
        Self { kind, message }
    }
}

/// The id of a batch: the name of its file in the failures folder, which is the first of
/// several destinations.
fn id(location: &str) -> Option<String> {
    let file = Path::new(location.split(", ").next()?);
    let is_json = file
        .extension()
        .is_some_and(|extension| extension == "json");
    let id = file.file_stem().filter(|_| is_json)?;
    Some(id.to_str()?.to_owned())
}

pub(super) fn milliseconds(duration: Duration) -> f64 {
    // Microseconds are enough, and shorter.
    let microseconds = u32::try_from(duration.as_micros()).unwrap_or(u32::MAX);
    f64::from(microseconds) / 1000.0
}
