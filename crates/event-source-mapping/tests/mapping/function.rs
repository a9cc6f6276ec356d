//! A function that fails in every way that a function can.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use event_source_mapping::{
    settings::Settings,
    target::{ErrorKind, FunctionError, Reply, Target},
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

use crate::ledger::{Event, Ledger};

pub struct Function {
    ledger: Arc<Ledger>,
    settings: Settings,
    /// The endpoint accepts no larger events, bytes.
    largest: usize,
    state: Mutex<State>,
}

struct State {
    random: StdRng,
    /// Failures that are still to come.
    failures: u32,
    /// Poisoned records fail this often more; `None` has no limit.
    poison: Option<u32>,
}

/// The outcome of an invocation.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Done,
    Error(ErrorKind),
    Throttled,
    Unavailable,
    Malformed,
    NoState,
    FailedFrom(usize),
}

impl Function {
    pub fn new(
        ledger: Arc<Ledger>,
        settings: Settings,
        largest: usize,
        failures: u32,
        seed: u64,
    ) -> Arc<Self> {
        let forever =
            settings.maximum_retry_attempts.is_some() && settings.tumbling_window.is_none();
        Arc::new(Self {
            ledger,
            largest,
            state: Mutex::new(State {
                random: StdRng::seed_from_u64(seed),
                failures,
                poison: (!forever).then_some(10),
            }),
            settings,
        })
    }

    fn fate(&self, event: &Event) -> Fate {
        let mut state = self.state.lock().unwrap();
        let partial = self.settings.report_batch_item_failures;
        if let Some(index) = poisoned(event)
            && state.poison.is_none_or(|left| left > 0)
        {
            state.poison = state.poison.map(|left| left - 1);
            return if partial {
                Fate::FailedFrom(index)
            } else {
                Fate::Error(ErrorKind::Handled)
            };
        }
        if state.failures == 0 || !state.random.random_bool(0.4) {
            return Fate::Done;
        }
        state.failures -= 1;
        let windows = self.settings.tumbling_window.is_some();
        match state.random.random_range(0..9) {
            0 => Fate::Error(ErrorKind::Handled),
            1 => Fate::Error(ErrorKind::Timeout),
            2 => Fate::Error(ErrorKind::Exit),
            3 => Fate::Throttled,
            4 => Fate::Unavailable,
            5 if partial => Fate::Malformed,
            6 if windows && !event.numbers.is_empty() => Fate::NoState,
            7 | 8 if partial && !event.numbers.is_empty() => {
                Fate::FailedFrom(state.random.random_range(0..event.numbers.len()))
            }
            _ => Fate::Error(ErrorKind::Init),
        }
    }

    fn reply(&self, event: &Event, fate: Fate) -> Reply {
        let windows = self.settings.tumbling_window.is_some();
        let state = windows.then(|| next_state(event));
        let last = event.numbers.is_empty();
        let records = event.numbers.len();
        match fate {
            Fate::Done => {
                self.ledger.end(event, records, false, state.as_ref());
                success(&json!({ "state": state, "batchItemFailures": [] }))
            }
            Fate::FailedFrom(index) => {
                let kept = state.as_ref().filter(|_| index > 0);
                self.ledger.end(event, index, true, kept);
                let item = json!({ "itemIdentifier": event.numbers[index].to_string() });
                success(&json!({ "state": state, "batchItemFailures": [item] }))
            }
            // Of a final invocation's response only the success counts.
            Fate::Malformed if last => {
                self.ledger.end(event, 0, false, Some(&json!({})));
                success(&json!({ "batchItemFailures": [{ "itemIdentifier": "" }] }))
            }
            Fate::Malformed => {
                self.ledger.end(event, 0, true, None);
                success(&json!({ "state": state, "batchItemFailures": [{ "itemIdentifier": "" }] }))
            }
            Fate::NoState => {
                self.ledger.end(event, 0, true, None);
                success(&json!({}))
            }
            Fate::Error(kind) => {
                self.ledger.end(event, 0, true, None);
                Reply::FunctionError(FunctionError::new(kind, "E", "it fails"))
            }
            Fate::Throttled => {
                self.ledger.end(event, 0, false, None);
                Reply::Throttled
            }
            Fate::Unavailable => {
                self.ledger.end(event, 0, false, None);
                Reply::Unavailable("nobody listens".into())
            }
        }
    }
}

#[async_trait]
impl Target for Function {
    fn name(&self) -> String {
        "arn:aws:lambda:us-east-1:000000000000:function:f".into()
    }

    async fn invoke(&self, payload: Bytes) -> Reply {
        let event = self.ledger.begin(&payload);
        if payload.len() > self.largest && !event.numbers.is_empty() {
            self.ledger.too_large(&event);
            return Reply::TooLarge;
        }
        let pause = self.state.lock().unwrap().random.random_range(0..200);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        // Nothing is awaited from here on: the reply and the ledger agree.
        self.reply(&event, self.fate(&event))
    }
}

fn success(response: &Value) -> Reply {
    Reply::Success(Bytes::from(response.to_string()))
}

fn next_state(event: &Event) -> Value {
    let before = event.body["state"]["invocations"].as_u64().unwrap_or(0);
    json!({ "invocations": before + 1 })
}

/// The index of the first poisoned record.
fn poisoned(event: &Event) -> Option<usize> {
    let records = event.body["Records"].as_array().unwrap();
    records.iter().position(|record| {
        let data = record["kinesis"]["data"].as_str().unwrap();
        // {"pass":true,"poison":true in base64
        data.starts_with("eyJwYXNzIjp0cnVlLCJwb2lzb24iOnRydWU")
    })
}
