//! The state of every record, and the rules that each event must keep.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use event_source_mapping::{
    Clock, MAX_PAYLOAD,
    batch::Prepared,
    observer::Observer,
    retry_state::{Condition, Discarded},
    settings::Settings,
    source::Record,
};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::stream::Stream;

/// One event, as the function got it.
#[derive(Debug, Clone)]
pub struct Event {
    pub shard: usize,
    /// Sequence numbers.
    pub numbers: Vec<u64>,
    pub keys: HashSet<String>,
    pub body: Value,
}

pub struct Ledger {
    stream: Arc<Stream>,
    settings: Settings,
    clock: Clock,
    /// By the starting position no record from before is delivered.
    from: OffsetDateTime,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Processed or discarded.
    done: HashSet<u64>,
    /// The same, since the mapping's last start: these are never delivered again.
    done_now: HashSet<u64>,
    /// Attempts since the mapping's last start that failed with this record in them.
    tries: HashMap<u64, u32>,
    /// The same, with this record as the first that failed.
    tries_as_first: HashMap<u64, u32>,
    /// Records of events that were too large, since the mapping's last start.
    too_large: HashSet<u64>,
    /// Where the mapping's last start began, by shard.
    began_after: HashMap<usize, u64>,
    in_flight: Vec<Event>,
    /// A shard of this stream is read, and not only of an earlier one of the same name.
    is_read: bool,
    /// By shard: the state that the next event must have, and its window.
    windows: HashMap<usize, (Value, Option<String>)>,
}

impl Ledger {
    pub fn new(
        stream: Arc<Stream>,
        settings: Settings,
        clock: Clock,
        from: OffsetDateTime,
    ) -> Arc<Self> {
        Arc::new(Self {
            stream,
            settings,
            clock,
            from,
            state: Mutex::default(),
        })
    }

    /// Whether the starting position and the model's filter let a record pass.
    fn passes(&self, record: &Record) -> bool {
        record.arrived >= self.from && record.data.starts_with(b"{\"pass\":true")
    }

    /// The stream was deleted and created again: its checkpoints mean nothing more.
    pub fn recreated(&self) {
        let mut state = self.state.lock().unwrap();
        state.began_after.clear();
        state.is_read = false;
    }

    /// Whether the mapping reads this stream. Before that its checkpoints are those of an
    /// earlier one.
    pub fn is_read(&self) -> bool {
        self.state.lock().unwrap().is_read
    }

    /// The mapping starts again, at these checkpoints.
    pub fn restarted(&self, checkpoints: &HashMap<usize, u64>) {
        let mut state = self.state.lock().unwrap();
        state.began_after.clone_from(checkpoints);
        state.done_now.clear();
        state.tries.clear();
        state.tries_as_first.clear();
        state.too_large.clear();
        state.in_flight.clear();
    }

    /// The mapping was paused: what it has not processed counts from the start.
    pub fn paused(&self) {
        let mut state = self.state.lock().unwrap();
        assert!(
            state.in_flight.is_empty(),
            "an invocation outlives the pause"
        );
        state.tries.clear();
        state.tries_as_first.clear();
        state.too_large.clear();
    }

    /// Reads an event and checks it against every rule; it is then in flight.
    pub fn begin(&self, payload: &[u8]) -> Event {
        assert!(payload.len() <= MAX_PAYLOAD, "{} bytes", payload.len());
        let event = read(payload);
        let mut state = self.state.lock().unwrap();
        self.check_size(&event);
        let again = event
            .numbers
            .iter()
            .find(|number| state.done_now.contains(number));
        assert_eq!(again, None, "delivered again without a restart");
        if !self.is_of_deleted_stream(&event) {
            self.check_order(&state, &event);
        }
        self.check_concurrency(&state, &event);
        self.check_window(&state, &event);
        state.in_flight.push(event.clone());
        event
    }

    /// The event is over: the records before `done` are processed, and where `failed`, an
    /// attempt of all others has failed.
    pub fn end(&self, event: &Event, done: usize, failed: bool, new_state: Option<&Value>) {
        let mut state = self.state.lock().unwrap();
        let index = state
            .in_flight
            .iter()
            .position(|other| other.numbers == event.numbers && other.shard == event.shard);
        state.in_flight.swap_remove(index.unwrap());
        state.done.extend(&event.numbers[..done]);
        state.done_now.extend(&event.numbers[..done]);
        if failed {
            for number in &event.numbers[done..] {
                *state.tries.entry(*number).or_default() += 1;
            }
            if let Some(first) = event.numbers.get(done) {
                *state.tries_as_first.entry(*first).or_default() += 1;
                self.check_tries(&state, *first);
            }
        }
        if let Some(new_state) = new_state {
            let window = event.body["window"]["start"].as_str().map(str::to_owned);
            let kept = if event.numbers.is_empty() {
                (json!({}), None)
            } else {
                (new_state.clone(), window)
            };
            state.windows.insert(event.shard, kept);
        }
    }

    /// The endpoint said that the event is too large: it may be split.
    pub fn too_large(&self, event: &Event) {
        self.end(event, 0, false, None);
        let mut state = self.state.lock().unwrap();
        state.too_large.extend(&event.numbers);
    }

    /// All records before a checkpoint are processed or discarded.
    pub fn check_checkpoint(&self, shard: usize, checkpoint: u64) {
        let state = self.state.lock().unwrap();
        self.stream.with_shard(shard, |shard| {
            for record in &shard.records {
                let number = number(record);
                let settled = state.done.contains(&number) || !self.passes(record);
                assert!(
                    number > checkpoint || settled,
                    "the checkpoint {checkpoint} has passed {number}"
                );
            }
        });
    }

    pub fn is_all_done(&self) -> bool {
        let state = self.state.lock().unwrap();
        let shards = self.stream.shards();
        let mut records = shards.iter().flat_map(|shard| &shard.records);
        records.all(|record| !self.passes(record) || state.done.contains(&number(record)))
    }

    pub fn windows_are_closed(&self) -> bool {
        let state = self.state.lock().unwrap();
        state.windows.values().all(|(_, window)| window.is_none())
    }

    /// The mapping may finish what it has read of a stream that was deleted meanwhile.
    fn is_of_deleted_stream(&self, event: &Event) -> bool {
        let first = event.numbers.first();
        first.is_some_and(|number| self.stream.is_deleted(*number))
    }

    fn check_size(&self, event: &Event) {
        let most = self.settings.batch_size as usize;
        assert!(
            event.numbers.len() <= most,
            "{} records",
            event.numbers.len()
        );
        let last = event.body["isFinalInvokeForWindow"] == json!(true);
        assert_eq!(event.numbers.is_empty(), last, "an event without records");
        assert!(event.numbers.is_sorted_by(|one, other| one < other));
    }

    /// The records before each record, in its shard and in the shard's parents, are
    /// processed or discarded.
    fn check_order(&self, state: &State, event: &Event) {
        let Some(last) = event.numbers.last() else {
            return;
        };
        let by_key = self.settings.parallelization_factor > 1;
        let settled = |record: &Record| {
            let number = number(record);
            !self.passes(record) || state.done.contains(&number) || event.numbers.contains(&number)
        };
        let parents = self.stream.with_shard(event.shard, |shard| {
            for number in &event.numbers {
                let after = state.began_after.get(&event.shard);
                assert!(
                    after.is_none_or(|after| number > after),
                    "{number} is before the checkpoint {after:?} of the restart"
                );
            }
            for record in shard
                .records
                .iter()
                .take_while(|record| number(record) < *last)
            {
                let concerns = !by_key || event.keys.contains(&record.partition_key);
                let before = concerns && !settled(record);
                assert!(!before, "{last} came before {}", record.sequence_number);
            }
            for record in &shard.records {
                let sent = event.numbers.contains(&number(record));
                assert!(
                    !sent || self.passes(record),
                    "a record that is not to be delivered"
                );
            }
            shard.parents.clone()
        });
        for parent in parents {
            self.stream.with_shard(parent, |parent| {
                assert!(
                    parent.records.iter().all(settled),
                    "a child before its parent"
                );
            });
        }
    }

    fn check_concurrency(&self, state: &State, event: &Event) {
        let same_shard: Vec<_> = state
            .in_flight
            .iter()
            .filter(|other| other.shard == event.shard)
            .collect();
        let most = self.settings.parallelization_factor as usize;
        assert!(same_shard.len() < most, "more than {most} batches at once");
        for other in same_shard {
            assert!(other.keys.is_disjoint(&event.keys), "a key twice at once");
        }
    }

    fn check_window(&self, state: &State, event: &Event) {
        if self.settings.tumbling_window.is_none() {
            assert!(event.body.get("window").is_none());
            return;
        }
        let nothing = (json!({}), None);
        let (expected, window) = state.windows.get(&event.shard).unwrap_or(&nothing);
        let found = event.body["window"]["start"].as_str();
        if let Some(window) = window {
            assert_eq!(found, Some(window.as_str()), "a window without its end");
        }
        assert_eq!(&event.body["state"], expected, "another state");
    }

    fn check_tries(&self, state: &State, number: u64) {
        let Some(retries) = self.settings.maximum_retry_attempts else {
            return;
        };
        let splits = if self.settings.bisect_batch_on_function_error {
            self.settings.batch_size
        } else {
            0
        };
        let tries = state.tries_as_first[&number];
        assert!(
            tries <= retries + 1 + splits,
            "{number} was tried {tries} times"
        );
    }
}

impl Observer for Ledger {
    fn shard_opened(&self, _: &str, _: &str) {
        self.state.lock().unwrap().is_read = true;
    }

    fn discarded(&self, _: &str, _: &str, records: &[Prepared], discarded: &Discarded) {
        let mut state = self.state.lock().unwrap();
        let now = self.clock.now();
        match discarded.condition {
            Condition::RetryAttemptsExhausted => {
                let retries = self.settings.maximum_retry_attempts.unwrap();
                for prepared in records {
                    let tries = state.tries.get(&number(&prepared.record)).copied();
                    assert!(
                        tries.unwrap_or(0) > retries,
                        "discarded after {tries:?} attempts"
                    );
                }
            }
            Condition::MaximumRecordAgeExceeded => {
                let oldest = self.settings.maximum_record_age.unwrap();
                for prepared in records {
                    let age = Duration::try_from(now - prepared.record.arrived).unwrap();
                    assert!(age > oldest, "discarded at the age of {age:?}");
                }
            }
            Condition::RecordTooLarge => {
                assert_eq!(records.len(), 1);
                let number = number(&records[0].record);
                assert!(
                    state.too_large.contains(&number),
                    "{number} is not too large"
                );
            }
        }
        let numbers: Vec<_> = records
            .iter()
            .map(|prepared| number(&prepared.record))
            .collect();
        state.done.extend(&numbers);
        state.done_now.extend(numbers);
    }
}

pub fn number(record: &Record) -> u64 {
    record.sequence_number.parse().unwrap()
}

fn read(payload: &[u8]) -> Event {
    let body: Value = serde_json::from_slice(payload).unwrap();
    let records = body["Records"].as_array().unwrap();
    let shard_of = |id: &str| -> usize { id.trim_start_matches("shardId-").parse().unwrap() };
    let shards: HashSet<_> = records
        .iter()
        .map(|record| {
            shard_of(
                record["eventID"]
                    .as_str()
                    .unwrap()
                    .split(':')
                    .next()
                    .unwrap(),
            )
        })
        .chain(body["shardId"].as_str().map(shard_of))
        .collect();
    assert_eq!(shards.len(), 1, "records of several shards");
    let text = |record: &Value, field: &str| record["kinesis"][field].as_str().unwrap().to_owned();
    Event {
        shard: shards.into_iter().next().unwrap(),
        numbers: records
            .iter()
            .map(|record| text(record, "sequenceNumber").parse().unwrap())
            .collect(),
        keys: records
            .iter()
            .map(|record| text(record, "partitionKey"))
            .collect(),
        body,
    }
}
