//! What a mapping says of itself while it runs.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use local::event_source::{
    backoff::Backoff,
    checkpoint::Checkpoints,
    clock,
    destination::Destinations,
    mapping::EventSourceMapping,
    observer::NoObserver,
    settings::Settings,
    shard::Shared,
    status::{ShardStatus, Status},
    target::{Reply, Target},
    wake::Wake,
};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::stream::Stream;

/// A function that is never there.
struct Down;

#[async_trait]
impl Target for Down {
    fn name(&self) -> String {
        "down".into()
    }

    async fn invoke(&self, _: Bytes) -> Reply {
        Reply::Unavailable("nothing listens there".into())
    }
}

fn mapping_to(target: Arc<dyn Target>) -> EventSourceMapping {
    let stream = Stream::new(clock::system(), 1, 0, 1);
    stream.put(0, b"{}".to_vec());
    EventSourceMapping::start(Shared {
        name: "mapping".into(),
        settings: Settings::default(),
        stream_arn: "arn:aws:kinesis:us-east-1:000000000000:stream/s".into(),
        region: "us-east-1".into(),
        source: stream,
        target,
        checkpoints: Checkpoints::default(),
        observer: Arc::new(NoObserver),
        status: Status::default(),
        failures: Arc::new(Destinations(Vec::new())),
        wake: Wake::polled(),
        backoff: Backoff::default(),
        clock: clock::system(),
        stop: CancellationToken::new(),
    })
}

#[tokio::test(start_paused = true)]
async fn a_wait_before_the_next_try_can_be_seen_and_grows() {
    let mapping = mapping_to(Arc::new(Down));
    let watch = mapping.watch();
    let shard = || -> Option<ShardStatus> { watch.status().shards.into_values().next() };
    let mut waits = Vec::new();
    // Time passes only while everything waits.
    while waits.last().is_none_or(|wait| *wait < 5000) {
        assert!(waits.len() < 10_000, "it does not grow: {waits:?}");
        sleep(Duration::from_millis(10)).await;
        waits.extend(shard().map(|shard| shard.back_off_ms));
    }
    let first = waits.iter().find(|wait| **wait > 0).unwrap();
    assert!(*first <= 100, "{waits:?}");
    assert!(waits.iter().all(|wait| *wait <= 10_000), "{waits:?}");
    let error = shard().unwrap().last_error.unwrap();
    assert_eq!(error, "nothing listens there");
    mapping.stop().await;
}
