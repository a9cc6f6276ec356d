//! The journey of one record: everything that happened to it, in the order of time.
//!
//! Which cache and store calls belong to a record is not known: a call names neither the
//! record nor the invocation. Those are shown that ended while an invocation had the record,
//! and whose key occurs in the record's data or is its partition key.

pub(crate) mod matching;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::matching::{Calls, Haystack, together};
use super::recorder::{Invocation, Mark, Recorded, State};
use crate::events::{CallOutcome, Outcome};

/// Steps of an invocation that are shown at most.
const MOST_CHILDREN: usize = 200;

/// A record's journey.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Journey {
    /// The record: its summary, its data and when it arrived.
    pub record: Value,
    /// What happened, in the order of time.
    pub steps: Vec<Step>,
    /// Command lines.
    pub command: Command,
}

/// Command lines of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// Puts the record again.
    pub put: String,
}

/// A step of a journey.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// `put`, `readable`, `batch`, `invocation`, `retry`, `cache`, `store`, `log`,
    /// `response`, `processed`, `filtered`, `discarded` or `redriven`.
    pub kind: String,
    /// When it began, milliseconds after the put.
    pub at: f64,
    /// How long it took, milliseconds.
    pub duration_ms: Option<f64>,
    /// What happened, in a few words.
    pub title: String,
    /// More of it.
    pub detail: Option<String>,
    /// How it ended.
    pub outcome: Option<String>,
    /// The invocation's id.
    pub request_id: Option<String>,
    /// The number of the execution environment.
    pub environment: Option<u64>,
    /// Of a `batch`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<Batch>,
    /// What happened during it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<Self>,
}

/// The first and the last record of an invocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// The first one's sequence number.
    pub start: String,
    /// The last one's sequence number.
    pub end: String,
}

/// The journey of `record`, as far as `state` has it.
pub(super) fn of(state: &State, record: &Recorded, aws_url: &str) -> Journey {
    with(steps(state, record), record, aws_url)
}

/// What happened to `record`, as far as `state` has it.
pub(super) fn steps(state: &State, record: &Recorded) -> Vec<Step> {
    let haystack = Haystack::of(&record.data, &record.partition_key);
    let builder = Builder {
        state,
        record,
        haystack,
    };
    builder.steps()
}

/// The journey of `record` with these steps.
pub(super) fn with(steps: Vec<Step>, record: &Recorded, aws_url: &str) -> Journey {
    Journey {
        record: described(record),
        steps,
        command: Command {
            put: put_command(record, aws_url),
        },
    }
}

fn described(record: &Recorded) -> Value {
    let mut described = json!(record.summary());
    described["data"] = json!(BASE64_STANDARD.encode(&record.data));
    described["approximateArrivalTimestamp"] = json!(record.arrived.unwrap_or(record.put_at));
    described
}

struct Builder<'a> {
    state: &'a State,
    record: &'a Recorded,
    haystack: Haystack,
}

impl Builder<'_> {
    fn steps(&self) -> Vec<Step> {
        let record = self.record;
        let bytes = record.data.len();
        let mut steps = vec![Step {
            kind: "put".to_owned(),
            title: format!("Put in {}", record.stream),
            detail: Some(format!(
                "{}, partition key {}, {bytes} bytes",
                record.shard, record.partition_key
            )),
            ..Step::default()
        }];
        let mut tries = 0;
        for (index, (at, mark)) in record.marks.iter().enumerate() {
            let at = self.after(*at);
            let step = |kind: &str, title: String| Step {
                kind: kind.to_owned(),
                at,
                title,
                ..Step::default()
            };
            match mark {
                Mark::Read { mapping } => {
                    steps.push(step("readable", format!("Read by mapping {mapping}")));
                }
                Mark::Invocation(number) => {
                    tries += 1;
                    let Some(invocation) = self.state.invocations.get(*number) else {
                        let title = format!("Invocation {tries}, which is no longer kept");
                        steps.push(step("invocation", title));
                        continue;
                    };
                    steps.push(self.batch(invocation));
                    steps.push(self.invocation(*number, invocation, tries));
                    let after = record.marks[index + 1..].iter();
                    steps.extend(self.retry(invocation, after.map(|(_, mark)| mark)));
                }
                Mark::Processed { mapping } => steps.push(Step {
                    outcome: Some("ok".to_owned()),
                    ..step("processed", format!("Processed by mapping {mapping}"))
                }),
                Mark::Filtered { mapping } => {
                    let title = format!("No filter of mapping {mapping} matches it");
                    steps.push(step("filtered", title));
                }
                Mark::Discarded {
                    mapping,
                    condition,
                    batch,
                } => {
                    let id = batch.as_ref().and_then(|batch| batch.0.as_deref());
                    let error = batch.as_ref().and_then(|batch| batch.1.clone());
                    let title = format!("Discarded by mapping {mapping}");
                    let id = id.map(|id| format!("klocal failures show {id}"));
                    let detail: Vec<_> = error.into_iter().chain(id).collect();
                    steps.push(Step {
                        detail: Some(detail.join("\n")).filter(|text| !text.is_empty()),
                        outcome: Some((*condition).to_owned()),
                        ..step("discarded", title)
                    });
                }
                Mark::Redriven {
                    function,
                    duration_ms,
                } => steps.push(redriven(at, function, *duration_ms)),
            }
        }
        if record.omitted > 0
            && let Some(middle) = steps.get_mut(1)
        {
            let left_out = format!("{} later steps are left out", record.omitted);
            middle.detail = Some(left_out);
        }
        // The invocations of several mappings overlap.
        steps.sort_by(|one, other| one.at.total_cmp(&other.at));
        steps
    }

    fn batch(&self, invocation: &Invocation) -> Step {
        let records = match invocation.records {
            1 => "Batch of 1 record".to_owned(),
            many => format!("Batch of {many} records"),
        };
        Step {
            kind: "batch".to_owned(),
            at: self.after(invocation.formed),
            title: records,
            detail: Some(format!("mapping {}", invocation.mapping)),
            request_id: Some(invocation.request_id.to_string()),
            batch: Some(Batch {
                start: invocation.first.to_string(),
                end: invocation.last.to_string(),
            }),
            ..Step::default()
        }
    }

    fn invocation(&self, number: u64, invocation: &Invocation, tries: u32) -> Step {
        let began = invocation.started.unwrap_or(invocation.formed);
        let ended = invocation.ended.as_ref();
        let error = ended.and_then(|ended| ended.error.as_ref());
        let error = error.map(|error| match error.kind.as_str() {
            "" => error.message.clone(),
            kind => format!("{kind}: {}", error.message),
        });
        let mut children = self.children(number, began, ended.map(|ended| ended.at));
        if let Some(ended) = ended
            && let Some(response) = &ended.response
        {
            let at = self.after(ended.at);
            children.push(Step {
                kind: "response".to_owned(),
                at,
                title: match ended.outcome {
                    Outcome::Ok | Outcome::Partial => "Response".to_owned(),
                    _ => "Function error".to_owned(),
                },
                detail: Some(String::from_utf8_lossy(response).into_owned()),
                ..Step::default()
            });
        }
        Step {
            kind: "invocation".to_owned(),
            at: self.after(began),
            duration_ms: ended.map(|ended| (ended.at - began).max(0.0)),
            title: format!(
                "{} {tries} of {}",
                if invocation.retry {
                    "Retry: invocation"
                } else {
                    "Invocation"
                },
                invocation.function
            ),
            detail: error,
            outcome: Some(ended.map_or("running".to_owned(), |ended| word(ended.outcome))),
            request_id: Some(invocation.request_id.to_string()),
            environment: invocation.environment,
            batch: None,
            children,
        }
    }

    /// The wait after an invocation, unless it has settled the record.
    fn retry<'a>(
        &self,
        invocation: &Invocation,
        mut after: impl Iterator<Item = &'a Mark>,
    ) -> Option<Step> {
        let retried = invocation.retried?;
        let settled = after.find_map(|mark| match mark {
            Mark::Processed { mapping } if *mapping == invocation.mapping => Some(true),
            Mark::Invocation(_) | Mark::Discarded { .. } => Some(false),
            _ => None,
        });
        if settled == Some(true) {
            return None;
        }
        let failures = retried.failures;
        Some(Step {
            kind: "retry".to_owned(),
            at: self.after(retried.at),
            duration_ms: Some(retried.wait_ms),
            title: "Waits before the next invocation".to_owned(),
            detail: Some(format!(
                "{failures} failed invocation{} in a row",
                if failures == 1 { "" } else { "s" }
            )),
            ..Step::default()
        })
    }

    fn children(&self, number: u64, began: f64, ended: Option<f64>) -> Vec<Step> {
        let ended = ended.unwrap_or(f64::INFINITY);
        let calls = self.state.rings.calls(began, ended);
        let calls = together(calls.filter(|call| self.haystack.has_call(call)));
        let calls = calls.iter().take(MOST_CHILDREN);
        let mut children: Vec<_> = calls.map(|calls| self.calls(calls)).collect();
        let lines = self.state.lines_of(number).take(MOST_CHILDREN);
        children.extend(lines.map(|line| Step {
            kind: "log".to_owned(),
            at: self.after(line.at),
            title: line.text.clone(),
            environment: Some(line.environment),
            ..Step::default()
        }));
        children.sort_by(|one, other| one.at.total_cmp(&other.at));
        children
    }

    fn calls(&self, calls: &Calls<'_>) -> Step {
        let call = calls.call;
        let keys: Vec<_> = call.keys.iter().map(|key| key.join(", ")).collect();
        let outcome = call.outcome.map_or_else(
            || if call.ok { "ok" } else { "error" }.to_owned(),
            |outcome| outcome.word().to_owned(),
        );
        let code = call.outcome.and_then(CallOutcome::code);
        let times = match calls.times {
            1 => String::new(),
            times => format!(" ({times} calls)"),
        };
        Step {
            kind: if call.cache { "cache" } else { "store" }.to_owned(),
            at: self.after(calls.began),
            duration_ms: Some(calls.ended - calls.began),
            title: format!(
                "{} {} {}{times}",
                call.operation,
                call.name,
                keys.join(" · ")
            ),
            detail: code.map(str::to_owned),
            outcome: Some(outcome),
            ..Step::default()
        }
    }

    /// Milliseconds after the put. A put is told of before its readers are woken, but
    /// after the record can be read.
    fn after(&self, at: f64) -> f64 {
        let after = (at - self.record.put_at).max(0.0);
        (after * 1000.0).round() / 1000.0
    }
}

/// The kind of a step long after the others: a redrive.
pub(super) const REDRIVEN: &str = "redriven";

/// The step of a redrive that ended so many milliseconds after the put.
pub(super) fn redriven(ended: f64, function: &str, duration_ms: f64) -> Step {
    Step {
        kind: REDRIVEN.to_owned(),
        at: (ended - duration_ms).max(0.0),
        duration_ms: Some(duration_ms),
        title: format!("Redriven to {function}"),
        outcome: Some("ok".to_owned()),
        ..Step::default()
    }
}

/// As the events write it.
pub(crate) fn word(outcome: Outcome) -> String {
    let word = serde_json::to_value(outcome).unwrap_or_default();
    word.as_str().unwrap_or_default().to_owned()
}

fn put_command(record: &Recorded, aws_url: &str) -> String {
    let (format, data) = match std::str::from_utf8(&record.data) {
        Ok(text) if !text.contains('\0') => {
            (" --cli-binary-format raw-in-base64-out", text.to_owned())
        }
        _ => ("", BASE64_STANDARD.encode(&record.data)),
    };
    let endpoint = match aws_url {
        "" => String::new(),
        url => format!(" --endpoint-url {url}"),
    };
    format!(
        "aws kinesis put-record{endpoint} --stream-name {} --partition-key {}{format} --data {}",
        record.stream,
        quoted(&record.partition_key),
        quoted(&data),
    )
}

/// As one word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
