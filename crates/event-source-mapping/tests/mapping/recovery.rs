//! What the mapping does after refused iterators, recreated streams, panics and calls that
//! never return.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use event_source_mapping::{
    Clock,
    settings::Settings,
    target::{Reply, Target},
};
use tokio::time::{Instant, sleep};

use crate::{
    status::start,
    stream::{Stream, shard_id},
};

/// A function that keeps the sequence numbers it gets, and panics the first times.
#[derive(Default)]
struct Recorder {
    numbers: Mutex<Vec<String>>,
    panics: AtomicU32,
}

#[async_trait]
impl Target for Recorder {
    fn name(&self) -> String {
        "recorder".into()
    }

    async fn invoke(&self, event: Bytes) -> Reply {
        let left = self.panics.load(Ordering::Relaxed);
        if left > 0 {
            self.panics.store(left - 1, Ordering::Relaxed);
            panic!("the target panics");
        }
        let event: serde_json::Value = serde_json::from_slice(&event).unwrap();
        let records = event["Records"].as_array().unwrap();
        let number = |record: &serde_json::Value| {
            let number = record["kinesis"]["sequenceNumber"].as_str();
            number.unwrap().to_owned()
        };
        self.numbers
            .lock()
            .unwrap()
            .extend(records.iter().map(number));
        Reply::Success(Bytes::new())
    }
}

impl Recorder {
    fn numbers(&self) -> Vec<String> {
        self.numbers.lock().unwrap().clone()
    }
}

/// A function that never returns.
struct Silent;

#[async_trait]
impl Target for Silent {
    fn name(&self) -> String {
        "silent".into()
    }

    async fn invoke(&self, _: Bytes) -> Reply {
        std::future::pending().await
    }
}

/// Time passes only while everything waits.
async fn minute() {
    sleep(Duration::from_mins(1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_iterator_does_not_replay_the_shard() {
    let (stream, target) = (
        Stream::new(Clock::system(), 1, 0, 1),
        Arc::new(Recorder::default()),
    );
    let mapping = start(stream.clone(), target.clone(), Settings::default());
    for _ in 0..3 {
        stream.put(0, b"{}".to_vec());
    }
    minute().await;
    stream.refuse_iterators(3);
    minute().await;
    stream.put(0, b"{}".to_vec());
    minute().await;
    assert_eq!(target.numbers(), ["95", "96", "97", "98"]);
    mapping.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_was_split_deleted_and_created_again_is_read_from_its_start() {
    let (stream, target) = (
        Stream::new(Clock::system(), 1, 0, 1),
        Arc::new(Recorder::default()),
    );
    let mapping = start(stream.clone(), target.clone(), Settings::default());
    stream.put(0, b"{}".to_vec());
    stream.reshard(0, 1, 2);
    minute().await;
    let checkpoint = || mapping.status().shards[&shard_id(0)].checkpoint.clone();
    assert_eq!(checkpoint().as_deref(), Some("END"));

    stream.recreate(1);
    stream.put(0, b"{}".to_vec());
    minute().await;
    assert_eq!(target.numbers(), ["95", "96"]);
    assert_eq!(checkpoint().as_deref(), Some("96"));
    mapping.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_panicking_invocation_shows_in_the_status_and_is_retried() {
    let stream = Stream::new(Clock::system(), 1, 0, 1);
    let target = Arc::new(Recorder::default());
    target.panics.store(2, Ordering::Relaxed);
    let mapping = start(stream.clone(), target.clone(), Settings::default());
    stream.put(0, b"{}".to_vec());
    minute().await;
    assert_eq!(target.numbers(), ["95"]);
    let shard = mapping.status().shards[&shard_id(0)].clone();
    let error = shard.last_error.unwrap();
    assert_eq!(error, "panicked: the target panics");
    assert_eq!(shard.in_flight, 0);
    mapping.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_status_shows_a_function_that_does_not_return_and_stop_does_not_wait_for_it() {
    let stream = Stream::new(Clock::system(), 1, 0, 1);
    let mapping = start(stream.clone(), Arc::new(Silent), Settings::default());
    stream.put(0, b"{}".to_vec());
    minute().await;
    let shard = mapping.status().shards[&shard_id(0)].clone();
    assert_eq!(shard.in_flight, 1);
    let waiting = shard.waiting_for.unwrap();
    assert!(
        waiting.starts_with("silent, for 59 s") || waiting.starts_with("silent, for 60 s"),
        "{waiting}"
    );

    let began = Instant::now();
    mapping.stop().await;
    assert!(began.elapsed() <= Duration::from_secs(6));
}
