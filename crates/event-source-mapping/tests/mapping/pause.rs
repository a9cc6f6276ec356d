//! A mapping that is paused and continues with other options.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use event_source_mapping::{
    Clock,
    settings::{Settings, StartingPosition},
    target::{ErrorKind, FunctionError, Reply, Target},
};
use tokio::{
    sync::{Mutex, Semaphore},
    time::{Instant, sleep, timeout},
};

use crate::{
    status::start,
    stream::{Stream, shard_id},
};

/// Keeps the sequence numbers of each event, and replies once for each permit.
struct Function {
    events: Mutex<Vec<Vec<String>>>,
    permits: Semaphore,
    reply: Reply,
}

#[async_trait]
impl Target for Function {
    fn name(&self) -> String {
        "function".into()
    }

    async fn invoke(&self, event: Bytes) -> Reply {
        let event: serde_json::Value = serde_json::from_slice(&event).unwrap();
        let records = event["Records"].as_array().unwrap().iter();
        let number = |record: &serde_json::Value| {
            let number = record["kinesis"]["sequenceNumber"].as_str();
            number.unwrap().to_owned()
        };
        self.events.lock().await.push(records.map(number).collect());
        self.permits.acquire().await.unwrap().forget();
        self.reply.clone()
    }
}

fn function(permits: usize, reply: Reply) -> Arc<Function> {
    Arc::new(Function {
        events: Mutex::default(),
        permits: Semaphore::new(permits),
        reply,
    })
}

fn done() -> Reply {
    Reply::Success(Bytes::new())
}

fn of_two() -> Settings {
    Settings {
        batch_size: 2,
        ..Settings::default()
    }
}

/// Writes records with different keys.
fn put(stream: &Stream, count: u8) {
    (0..count).for_each(|key| stream.put(key, b"{}".to_vec()));
}

/// Time passes only while everything waits.
async fn a_while() {
    sleep(Duration::from_secs(30)).await;
}

#[tokio::test(start_paused = true)]
async fn a_paused_mapping_continues_at_its_checkpoint_with_other_options() {
    let stream = Stream::new(Clock::system(), 1, 0, 1);
    let before = function(1000, done());
    let mapping = start(stream.clone(), before.clone(), of_two());
    put(&stream, 4);
    a_while().await;
    let paused = mapping.pause().await;
    put(&stream, 3);
    a_while().await;
    let numbers = before.events.lock().await.concat();
    assert_eq!(numbers, ["95", "96", "97", "98"], "nothing while paused");
    let status = paused.watch().status().shards[&shard_id(0)].clone();
    assert_eq!(status.checkpoint.as_deref(), Some("98"));

    let after = function(1000, done());
    let target = after.clone();
    let mapping = paused.resume(|context| {
        context.settings.batch_size = 10;
        context.target = target;
    });
    let watch = mapping.watch();
    assert!(watch.settled().await);
    let numbers = after.events.lock().await.concat();
    assert_eq!(numbers, ["99", "100", "101"]);
    let status = watch.status().shards[&shard_id(0)].clone();
    assert_eq!(status.records, 7, "counts go on");
    mapping.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_pause_waits_for_the_invocation_under_way_however_long_it_takes() {
    let stream = Stream::new(Clock::system(), 1, 0, 1);
    let function = function(0, done());
    let mapping = start(stream.clone(), function.clone(), of_two());
    put(&stream, 4);
    a_while().await;
    let began = Instant::now();
    let release = async {
        sleep(Duration::from_mins(10)).await;
        function.permits.add_permits(1);
    };
    let (paused, ()) = tokio::join!(mapping.pause(), release);
    assert!(began.elapsed() >= Duration::from_mins(10));
    assert_eq!(function.events.lock().await.len(), 1, "no batch follows");
    function.permits.add_permits(10);
    let mapping = paused.resume(|_| {});
    assert!(mapping.watch().settled().await);
    let numbers = function.events.lock().await.concat();
    assert_eq!(numbers, ["95", "96", "97", "98"]);
    mapping.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_failed_before_a_pause_is_delivered_after_it() {
    let stream = Stream::new(Clock::system(), 1, 0, 1);
    let failing = FunctionError::new(ErrorKind::Handled, "Refused", "no");
    let failing = function(1000, Reply::FunctionError(failing));
    let mapping = start(stream.clone(), failing, of_two());
    put(&stream, 2);
    a_while().await;
    assert_eq!(mapping.watch().last_succeeded(), Some(false));
    let paused = mapping.pause().await;
    let good = function(1000, done());
    let target = good.clone();
    let mapping = paused.resume(|context| context.target = target);
    assert!(mapping.watch().settled().await);
    assert_eq!(good.events.lock().await.concat(), ["95", "96"]);
    assert_eq!(mapping.watch().last_succeeded(), Some(true));
    mapping.stop().await;
}

#[tokio::test(start_paused = true)]
async fn concurrent_batches_that_finished_out_of_order_are_not_delivered_again() {
    let stream = Stream::new(Clock::system(), 1, 0, 1);
    let function = function(0, done());
    let settings = Settings {
        batch_size: 1,
        parallelization_factor: 10,
        ..Settings::default()
    };
    let mapping = start(stream.clone(), function.clone(), settings);
    put(&stream, 40);
    a_while().await;
    // The concurrent batches end in no order of their records.
    function.permits.add_permits(15);
    a_while().await;
    function.permits.add_permits(1000);
    let paused = mapping.pause().await;
    let mapping = paused.resume(|context| context.settings.parallelization_factor = 1);
    assert!(mapping.watch().settled().await);
    let mut numbers = function.events.lock().await.concat();
    numbers.sort_by_key(|number| number.parse::<u64>().unwrap());
    let expected: Vec<_> = (95..135).map(|number: u64| number.to_string()).collect();
    assert_eq!(numbers, expected);
    let shard = mapping.status().shards[&shard_id(0)].clone();
    assert_eq!(shard.checkpoint.as_deref(), Some("134"));
    mapping.stop().await;
}

#[tokio::test(start_paused = true)]
async fn latest_means_since_the_mapping_s_first_start_after_a_pause_too() {
    let stream = Stream::new(Clock::system(), 1, 0, 1);
    stream.put(0, b"{}".to_vec());
    let settings = Settings {
        starting_position: StartingPosition::Latest,
        ..Settings::default()
    };
    let function = function(1000, done());
    let mapping = start(stream.clone(), function.clone(), settings);
    mapping.ready().await;
    let paused = mapping.pause().await;
    sleep(Duration::from_millis(5)).await;
    stream.put(0, b"{}".to_vec());
    let mapping = paused.resume(|_| {});
    assert!(mapping.watch().settled().await);
    assert_eq!(*function.events.lock().await, [["96"]]);
    mapping.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_wait_does_not_end_while_records_of_before_the_pause_are_unread() {
    let stream = Stream::new(Clock::system(), 1, 0, 1);
    let function = function(0, done());
    let mapping = start(stream.clone(), function.clone(), of_two());
    put(&stream, 6);
    a_while().await;
    function.permits.add_permits(1);
    let paused = mapping.pause().await;
    let mapping = paused.resume(|_| {});
    let watch = mapping.watch();
    let most = Duration::from_secs(30);
    assert!(timeout(most, watch.settled()).await.is_err());
    function.permits.add_permits(6);
    assert!(timeout(most, watch.settled()).await.unwrap());
    assert_eq!(function.events.lock().await.concat().len(), 6);
    mapping.stop().await;
}
