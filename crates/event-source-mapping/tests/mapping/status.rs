//! The status of a running mapping.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use event_source_mapping::{
    Clock,
    backoff::Backoff,
    checkpoint::Checkpoints,
    context::MappingContext,
    destination::Destinations,
    mapping::EventSourceMapping,
    observer::NoObserver,
    poll_trigger::Polling,
    settings::Settings,
    source::Source,
    status::{ShardStatus, Status},
    target::{ErrorKind, FunctionError, Reply, Target},
};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::stream::{Stream, shard_id};

/// A function that always replies the same.
struct Always(Reply);

#[async_trait]
impl Target for Always {
    fn name(&self) -> String {
        "function".into()
    }

    async fn invoke(&self, _: Bytes) -> Reply {
        self.0.clone()
    }
}

fn mapping(stream: Arc<Stream>, reply: Reply) -> EventSourceMapping {
    with_settings(stream, reply, Settings::default())
}

fn with_settings(stream: Arc<Stream>, reply: Reply, settings: Settings) -> EventSourceMapping {
    start(stream, Arc::new(Always(reply)), settings)
}

/// A mapping in memory of `stream` to `target`.
pub fn start(
    source: Arc<dyn Source>,
    target: Arc<dyn Target>,
    settings: Settings,
) -> EventSourceMapping {
    start_on(&Clock::system(), source, target, settings)
}

/// The same, with ages and windows by `clock`.
pub fn start_on(
    clock: &Clock,
    source: Arc<dyn Source>,
    target: Arc<dyn Target>,
    settings: Settings,
) -> EventSourceMapping {
    EventSourceMapping::start(MappingContext {
        name: "mapping".into(),
        settings,
        stream_arn: "arn:aws:kinesis:us-east-1:000000000000:stream/s".into(),
        region: "us-east-1".into(),
        source,
        target,
        checkpoints: Checkpoints::default(),
        observer: Arc::new(NoObserver),
        status: Status::default(),
        failures: Arc::new(Destinations(Vec::new())),
        poll_trigger: Arc::new(Polling::default()),
        backoff: Backoff::default(),
        clock: clock.clone(),
        stop: CancellationToken::new(),
    })
}

#[tokio::test(start_paused = true)]
async fn the_status_shows_the_wait_before_the_next_attempt_and_it_grows() {
    let stream = Stream::new(Clock::system(), 1, 0, 1);
    stream.put(0, b"{}".to_vec());
    let down = Reply::Unavailable("nothing listens there".into());
    let mapping = mapping(stream, down);
    let watch = mapping.watch();
    let shard = || -> Option<ShardStatus> { watch.status().shards.into_values().next() };
    let mut waits = Vec::new();
    // Time passes only while everything waits.
    while waits.last().is_none_or(|wait| *wait < 500) {
        assert!(waits.len() < 10_000, "it does not grow: {waits:?}");
        sleep(Duration::from_millis(10)).await;
        waits.extend(shard().map(|shard| shard.back_off_ms));
    }
    let first = waits.iter().find(|wait| **wait > 0).unwrap();
    assert!(*first <= 50, "{waits:?}");
    assert!(waits.iter().all(|wait| *wait <= 1000), "{waits:?}");
    let error = shard().unwrap().last_error.unwrap();
    assert_eq!(error, "nothing listens there");
    mapping.stop().await;
}

/// The options of the sample's mapping, `ConsumerMapping` in template.yaml.
fn sample() -> Settings {
    Settings {
        batch_size: 100,
        report_batch_item_failures: true,
        bisect_batch_on_function_error: true,
        maximum_retry_attempts: Some(3),
        ..Settings::default()
    }
}

#[tokio::test(start_paused = true)]
async fn twenty_records_that_the_function_refuses_are_discarded_within_five_seconds() {
    let error = FunctionError::new(ErrorKind::Handled, "Refused", "no");
    let report = r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#;
    for reply in [
        Reply::FunctionError(error),
        Reply::Success(Bytes::from_static(report.as_bytes())),
    ] {
        let stream = Stream::new(Clock::system(), 1, 0, 1);
        for _ in 0..20 {
            stream.put(0, b"{}".to_vec());
        }
        let began = Instant::now();
        let mapping = with_settings(stream, reply, sample());
        let discarded = || -> u64 {
            mapping
                .status()
                .shards
                .values()
                .map(|one| one.discarded)
                .sum()
        };
        while began.elapsed() < Duration::from_secs(5) && discarded() != 20_u64 {
            sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(discarded(), 20, "{:?}", mapping.status());
        mapping.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_status_has_one_line_for_an_error_and_its_whole_text_beside_it() {
    let stream = Stream::new(Clock::system(), 1, 0, 1);
    stream.put(0, b"{}".to_vec());
    let error = FunctionError::new(ErrorKind::Handled, "Refused", "no\n  at line 1");
    let mapping = mapping(stream, Reply::FunctionError(error.clone()));
    sleep(Duration::from_secs(1)).await;
    let status = mapping.status().shards.into_values().next().unwrap();
    assert_eq!(status.last_error.as_deref(), Some("Refused: no"));
    assert_eq!(status.last_error_detail, Some(error.text()));
    let json = serde_json::to_value(&status).unwrap();
    assert_eq!(json["givenUp"], 0, "the name that readers of the JSON know");
    mapping.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_shard_that_no_longer_exists_is_read_again_only_when_it_is_listed_again() {
    let stream = Stream::new(Clock::system(), 2, 0, 1);
    let mapping = mapping(stream.clone(), Reply::Success(Bytes::new()));
    let watch = mapping.watch();
    let shard = |number| watch.status().shards[&shard_id(number)].clone();
    // Time passes only while everything waits.
    let minute = || sleep(Duration::from_mins(1));
    stream.put(0, b"{}".to_vec());
    minute().await;
    assert_eq!(shard(0).records, 1);

    stream.set_gone(0, true);
    minute().await;
    let error = shard(0).last_error.unwrap();
    assert_eq!(error, "shard no longer exists; its unread records are lost");
    let before = stream.reads();
    minute().await;
    let of_one_shard = stream.reads() - before;
    assert_eq!(shard(1).last_error, None);

    stream.set_gone(0, false);
    minute().await;
    let before = stream.reads();
    minute().await;
    let of_both = stream.reads() - before;
    assert!(of_both > of_one_shard * 3 / 2, "{of_both}, {of_one_shard}");
    stream.put(0, b"{}".to_vec());
    minute().await;
    assert_eq!(shard(0).records, 2);
    mapping.stop().await;
}
