//! When every record written so far is settled.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use event_source_mapping::{
    Clock,
    settings::Settings,
    target::{ErrorKind, FunctionError, Reply, Target},
};
use tokio::{
    sync::Semaphore,
    time::{sleep, timeout},
};

use crate::{
    status::start,
    stream::{Stream, shard_id},
};

/// A function that returns once for each permit.
struct Held(Semaphore, Reply);

#[async_trait]
impl Target for Held {
    fn name(&self) -> String {
        "function".into()
    }

    async fn invoke(&self, _: Bytes) -> Reply {
        self.0.acquire().await.unwrap().forget();
        self.1.clone()
    }
}

fn held(permits: usize, reply: Reply) -> Arc<Held> {
    Arc::new(Held(Semaphore::new(permits), reply))
}

fn one_each() -> Settings {
    Settings {
        batch_size: 1,
        maximum_retry_attempts: Some(0),
        ..Settings::default()
    }
}

/// Under a paused clock: nothing else moves any more.
const LONG: Duration = Duration::from_secs(30);

#[tokio::test(start_paused = true)]
async fn settled_waits_for_every_record_written_before_and_for_none_after() {
    let stream = Stream::new(Clock::system(), 2, 0, 1);
    let function = held(0, Reply::Success(Bytes::new()));
    let mapping = start(stream.clone(), function.clone(), one_each());
    let watch = mapping.watch();
    assert!(watch.settled().await, "of nothing");
    for shard in [0, 0, 1] {
        stream.put(shard, b"{}".to_vec());
    }
    assert!(timeout(LONG, watch.settled()).await.is_err());
    let pending = |shard: usize| watch.status().shards[&shard_id(shard)].pending;
    assert_eq!((pending(0), pending(1)), (2, 1));
    function.0.add_permits(2);
    assert!(timeout(LONG, watch.settled()).await.is_err());
    function.0.add_permits(1);
    assert!(timeout(LONG, watch.settled()).await.unwrap());
    assert_eq!((pending(0), pending(1)), (0, 0));
    mapping.stop().await;
}

#[tokio::test(start_paused = true)]
async fn settled_waits_while_the_stream_cannot_be_read() {
    let stream = Stream::new(Clock::system(), 1, 0, 1);
    let mapping = start(
        stream.clone(),
        held(1, Reply::Success(Bytes::new())),
        one_each(),
    );
    let watch = mapping.watch();
    assert!(watch.settled().await);
    stream.put(0, b"{}".to_vec());
    stream.refuse_iterators(5);
    assert!(watch.settled().await);
    assert_eq!(watch.status().shards[&shard_id(0)].records, 1);
    mapping.stop().await;
}

#[tokio::test(start_paused = true)]
async fn settled_waits_for_the_children_of_a_split_shard() {
    let stream = Stream::new(Clock::system(), 1, 0, 1);
    let function = held(0, Reply::Success(Bytes::new()));
    let mapping = start(stream.clone(), function.clone(), one_each());
    let watch = mapping.watch();
    assert!(watch.settled().await);
    stream.put(0, b"{}".to_vec());
    stream.reshard(0, 1, 2);
    stream.put(0, b"{}".to_vec());
    function.0.add_permits(1);
    assert!(timeout(LONG, watch.settled()).await.is_err());
    function.0.add_permits(1);
    assert!(watch.settled().await);
    mapping.stop().await;
}

#[tokio::test(start_paused = true)]
async fn discarded_records_are_settled_and_named_once() {
    let stream = Stream::new(Clock::system(), 1, 0, 1);
    let refused = Reply::FunctionError(FunctionError::new(ErrorKind::Handled, "Refused", "no"));
    let mapping = start(stream.clone(), held(2, refused), one_each());
    let watch = mapping.watch();
    stream.put(0, b"{}".to_vec());
    assert!(watch.settled().await);
    let (discarded, now) = watch.discarded_after(0);
    assert_eq!((discarded.len(), now), (1, 1));
    let batch = &discarded[0];
    assert_eq!(
        (batch.mapping.as_str(), &batch.shard),
        ("mapping", &shard_id(0))
    );
    assert_eq!(batch.start_sequence_number, batch.end_sequence_number);
    assert_eq!(
        (batch.records, batch.condition.as_str()),
        (1, "RetryAttemptsExhausted")
    );
    assert_eq!(batch.error.as_deref(), Some("Refused: no"));
    assert_eq!(watch.discarded_after(1), (Vec::new(), 1));
    mapping.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_mapping_that_stops_ends_the_wait() {
    let stream = Stream::new(Clock::system(), 1, 0, 1);
    let down = Reply::Unavailable("nothing listens there".into());
    let mapping = start(stream.clone(), held(1000, down), one_each());
    let watch = mapping.watch();
    stream.put(0, b"{}".to_vec());
    let waiting = tokio::spawn(async move { watch.settled().await });
    sleep(Duration::from_secs(1)).await;
    mapping.stop().await;
    assert!(!waiting.await.unwrap());
}
