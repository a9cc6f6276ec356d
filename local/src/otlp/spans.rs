//! The spans of an invocation, nested as a record's journey:
//!
//! - `process STREAM`, the root: the batch, from its first record's put until the mapping
//!   has judged the invocation. A batch that retries records begins when it was formed, and
//!   links to the invocations that had its records before.
//!   - `put STREAM` of each record that no invocation of the mapping had before, until the
//!     batch was formed; in it `readable`, until the mapping read the record, and `batch`.
//!   - the function's name: the invocation, with the function's log lines as events. It
//!     belongs to the function's service.
//!     - each call to the cache or to DynamoDB that belongs to a record of the batch, by
//!       key and time as in a journey.
//!   - `retry`: the wait before the next invocation.
//!   - `discarded`: the records that the mapping has discarded.

use std::collections::BTreeSet;

use opentelemetry_proto::tonic::{
    common::v1::KeyValue,
    trace::v1::{
        Span,
        span::{Link, SpanKind},
    },
};

use super::{
    attributes::{flag, fraction, number, text, texts},
    ids::Ids,
    parts::{error, event, link, span},
};
use crate::{
    events::{CallOutcome, Outcome},
    page::{
        journey::{matching::Haystack, word},
        recorder::{CallMade, Discarded, Invocation, Mark, Recorded, State},
    },
};

/// Records of a batch that have spans of their own at most: a batch of the default size.
const MOST_RECORDS: usize = 100;

/// Calls, and log lines, of an invocation at most.
const MOST_CALLS: usize = 200;
const MOST_LINES: usize = 100;

/// Bytes of records in which the keys of calls are looked for.
const MOST_SEARCHED: usize = 256 * 1024;

/// Links to earlier invocations at most.
const MOST_LINKS: usize = 32;

/// The spans of a trace, by who sends them.
#[derive(Debug, Default)]
pub(super) struct Spans {
    /// Of this process.
    pub(super) own: Vec<Span>,
    /// Of the function.
    pub(super) function: Vec<Span>,
}

/// What a recorder does not know of a mapping.
#[derive(Debug, Clone, Default)]
pub(super) struct Mapping {
    pub(super) uuid: String,
    pub(super) stream: String,
    pub(super) function_arn: String,
}

/// An invocation that has ended.
pub(super) struct Trace<'a> {
    state: &'a State,
    /// The number of the invocation.
    number: u64,
    invocation: &'a Invocation,
    ids: Ids,
    mapping: &'a Mapping,
    records: Vec<&'a Recorded>,
}

impl<'a> Trace<'a> {
    /// The trace of the invocation `number`, which had `records`. `None` where it is no
    /// longer kept.
    pub(super) fn new(
        state: &'a State,
        number: u64,
        records: &[u64],
        mapping: impl FnOnce(&str) -> &'a Mapping,
    ) -> Option<Self> {
        let invocation = state.invocations.get(number)?;
        let records = records
            .iter()
            .filter_map(|record| state.records.get(*record));
        Some(Self {
            state,
            number,
            invocation,
            ids: Ids::of(invocation),
            mapping: mapping(&invocation.mapping),
            records: records.collect(),
        })
    }

    /// The function's name.
    pub(super) fn function(&self) -> &'a str {
        &self.invocation.function
    }

    /// All spans but those of discarded records.
    pub(super) fn spans(&self) -> Spans {
        let ended = self.invocation.ended.as_ref();
        let end = ended.map_or(self.invocation.formed, |ended| ended.at);
        let mut spans = Spans::default();
        let new = self
            .records
            .iter()
            .filter(|record| self.before(record).is_none());
        let new: Vec<_> = new.copied().collect();
        spans.own.push(self.batch(&new, end));
        for record in new.iter().take(MOST_RECORDS) {
            spans.own.extend(self.record(record));
        }
        spans.own.extend(self.retry());
        spans.function.push(self.invocation(end));
        spans.function.extend(self.calls(end));
        spans
    }

    /// The last invocation of the same mapping that had a record before this one.
    fn before(&self, record: &Recorded) -> Option<&'a Invocation> {
        let marks = record.marks.iter().rev();
        let numbers = marks.filter_map(|(_, mark)| match mark {
            Mark::Invocation(number) if *number < self.number => Some(*number),
            _ => None,
        });
        let mut invocations = numbers.filter_map(|number| self.state.invocations.get(number));
        invocations.find(|one| one.mapping == self.invocation.mapping)
    }

    fn batch(&self, new: &[&Recorded], end: f64) -> Span {
        let invocation = self.invocation;
        let puts = new.iter().map(|record| record.put_at);
        let start = puts.fold(invocation.formed, f64::min);
        let name = format!("process {}", self.mapping.stream);
        let mut span = span(self.ids.trace, None, name, SpanKind::Consumer, (start, end));
        span.span_id = self.ids.batch().to_vec();
        let left_out = invocation.records.saturating_sub(self.shown());
        span.attributes = self.messaging("process", "process");
        span.attributes.extend([
            number("messaging.batch.message_count", invocation.records as u64),
            text("aws.lambda.resource_mapping.id", self.mapping.uuid.as_str()),
            text("faas.invocation_id", &*invocation.request_id),
            text("klocal.mapping", &*invocation.mapping),
            flag("klocal.retry", invocation.retry),
            number("klocal.records.without_span", left_out as u64),
        ]);
        if let Some(ended) = &invocation.ended {
            let processed = ended.processed as u64;
            span.attributes
                .push(number("klocal.records.processed", processed));
        }
        if let Some((kind, message)) = self.failure() {
            span.attributes.push(text("error.type", kind));
            span.status = Some(error(message));
        }
        span.links = self.links();
        span
    }

    /// Records that have spans of their own, here or in the trace of an earlier invocation.
    fn shown(&self) -> usize {
        let new = self
            .records
            .iter()
            .filter(|record| self.before(record).is_none());
        let new = new.count();
        self.records.len() - new + new.min(MOST_RECORDS)
    }

    fn links(&self) -> Vec<Link> {
        let before = self.records.iter().filter_map(|record| self.before(record));
        let mut known = BTreeSet::new();
        let new = before.filter(|one| known.insert(one.request_id.clone()));
        let links = new.take(MOST_LINKS).map(|one| {
            let ids = Ids::of(one);
            let about = vec![text(
                "klocal.link",
                "the invocation that had these records before",
            )];
            link(ids.trace, ids.batch(), about)
        });
        links.collect()
    }

    /// The record from its put until the batch was formed.
    fn record(&self, record: &Recorded) -> Vec<Span> {
        let formed = self.invocation.formed;
        let put = record.put_at.min(formed);
        let name = format!("put {}", self.mapping.stream);
        let (trace, batch) = (self.ids.trace, Some(self.ids.batch()));
        let mut whole = span(trace, batch, name, SpanKind::Producer, (put, formed));
        whole.attributes = self.messaging("put", "send");
        whole.attributes.extend([
            text("messaging.message.id", &*record.sequence_number),
            number("messaging.message.body.size", record.data.len() as u64),
            text("klocal.partition_key", record.partition_key.as_str()),
        ]);
        let parent = whole.span_id.as_slice().try_into().ok();
        let read = record.marks.iter().find_map(|(at, mark)| match mark {
            Mark::Read { mapping } if *mapping == self.invocation.mapping => Some(*at),
            _ => None,
        });
        let mut spans = vec![whole];
        if let Some(read) = read {
            // It is told of a put after the record can be read.
            let read = read.clamp(put, formed);
            for (name, times) in [("readable", (put, read)), ("batch", (read, formed))] {
                spans.push(span(trace, parent, name, SpanKind::Internal, times));
            }
        }
        spans
    }

    fn invocation(&self, end: f64) -> Span {
        let invocation = self.invocation;
        let start = invocation.started.unwrap_or(invocation.formed);
        let (trace, batch) = (self.ids.trace, Some(self.ids.batch()));
        let name = self.function();
        let mut span = span(trace, batch, name, SpanKind::Server, (start, end));
        span.span_id = self.ids.invocation.to_vec();
        span.attributes = vec![
            text("faas.invocation_id", &*invocation.request_id),
            text("faas.trigger", "pubsub"),
            text("aws.lambda.invoked_arn", self.mapping.function_arn.as_str()),
        ];
        if let Some(environment) = invocation.environment {
            span.attributes
                .push(number("klocal.execution_environment", environment));
        }
        for (index, line) in self.state.lines_of(self.number).enumerate() {
            if index < MOST_LINES {
                let message = vec![text("message", line.text.as_str())];
                span.events.push(event(line.at, "log", message));
            } else {
                span.dropped_events_count += 1;
            }
        }
        if let Some((kind, message)) = self.failure() {
            let about = vec![
                text("exception.type", kind.as_str()),
                text("exception.message", message.as_str()),
            ];
            span.events.push(event(end, "exception", about));
            span.attributes.push(text("error.type", kind));
            span.status = Some(error(message));
        }
        span
    }

    /// The calls that ended during the invocation, and whose key occurs in a record.
    fn calls(&self, end: f64) -> Vec<Span> {
        let start = self.invocation.started.unwrap_or(self.invocation.formed);
        let mut bytes = 0;
        let records = self.records.iter().take_while(|record| {
            bytes += record.data.len();
            bytes <= MOST_SEARCHED
        });
        let records = records.map(|record| (&*record.data, record.partition_key.as_str()));
        let haystack = Haystack::of_all(records);
        let calls = self.state.rings.calls(start, end);
        let calls = calls
            .take(MOST_CALLS)
            .filter(|call| haystack.has_call(call));
        calls.map(|call| self.call(call)).collect()
    }

    fn call(&self, call: &CallMade) -> Span {
        let times = (call.ended - call.duration_ms, call.ended);
        let parent = Some(self.ids.invocation);
        let name = format!("{} {}", call.operation, call.name);
        let mut span = span(self.ids.trace, parent, name, SpanKind::Client, times);
        let keys: Vec<_> = call.keys.iter().map(|key| key.join(", ")).collect();
        let keys = texts("klocal.keys", keys.iter().map(String::as_str));
        span.attributes = if call.cache {
            vec![
                text("db.system.name", "momento"),
                text("db.namespace", &*call.name),
            ]
        } else {
            let tables = texts("aws.dynamodb.table_names", call.name.split(", "));
            vec![text("db.system.name", "aws.dynamodb"), tables]
        };
        span.attributes
            .extend([text("db.operation.name", &*call.operation), keys]);
        if let Some(outcome) = call.outcome {
            span.attributes.push(text("klocal.outcome", outcome.word()));
        }
        if !call.ok {
            let code = call.outcome.and_then(CallOutcome::code);
            let code = code.unwrap_or("error");
            span.attributes.push(text("error.type", code));
            span.status = Some(error(code));
        }
        span
    }

    /// The wait before the next invocation.
    fn retry(&self) -> Option<Span> {
        let retried = self.invocation.retried?;
        let times = (retried.at, retried.at + retried.wait_ms);
        let (trace, batch) = (self.ids.trace, Some(self.ids.batch()));
        let mut span = span(trace, batch, "retry", SpanKind::Internal, times);
        span.attributes = vec![
            number("klocal.failures", retried.failures),
            fraction("klocal.wait_ms", retried.wait_ms),
        ];
        Some(span)
    }

    /// The kind of the failure and its message.
    fn failure(&self) -> Option<(String, String)> {
        let ended = self.invocation.ended.as_ref()?;
        if ended.outcome == Outcome::Ok {
            return None;
        }
        let outcome = word(ended.outcome);
        let error = ended.error.as_ref();
        let kind = error.map(|error| error.kind.clone());
        let kind = kind
            .filter(|kind| !kind.is_empty())
            .unwrap_or(outcome.clone());
        Some((kind, error.map_or(outcome, |error| error.message.clone())))
    }

    fn messaging(&self, name: &str, kind: &str) -> Vec<KeyValue> {
        let stream = self.mapping.stream.as_str();
        vec![
            text("messaging.system", "aws_kinesis"),
            text("messaging.operation.name", name),
            text("messaging.operation.type", kind),
            text("messaging.destination.name", stream),
            text(
                "messaging.destination.partition.id",
                &*self.invocation.shard,
            ),
            text("aws.kinesis.stream_name", stream),
        ]
    }
}

/// The span of records that were discarded, in the trace of their last invocation.
pub(super) fn discarded(state: &State, discarded: &Discarded) -> Option<Span> {
    let invocation = state.invocations.get(discarded.invocation?)?;
    let (ids, batch) = (Ids::of(invocation), &discarded.batch);
    let times = (discarded.at, discarded.at);
    let parent = Some(ids.batch());
    let mut span = span(ids.trace, parent, "discarded", SpanKind::Internal, times);
    span.attributes = vec![
        text("klocal.mapping", batch.mapping.as_str()),
        text("klocal.condition", batch.condition.as_str()),
        number("klocal.records", batch.records),
        text(
            "klocal.start_sequence_number",
            batch.start_sequence_number.as_str(),
        ),
        text(
            "klocal.end_sequence_number",
            batch.end_sequence_number.as_str(),
        ),
    ];
    if let Some(id) = &batch.id {
        span.attributes.push(text("klocal.failure", id.as_str()));
    }
    let why = batch.error.as_deref();
    span.status = Some(error(match why {
        Some(why) => format!("{}: {why}", batch.condition),
        None => batch.condition.clone(),
    }));
    Some(span)
}
