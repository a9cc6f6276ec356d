//! A mapping from a hand-written source to a closure.
//!
//! `cargo run -p event-source-mapping --example closure`

use std::{error::Error, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use event_source_mapping::{
    Clock,
    backoff::Backoff,
    checkpoint::Checkpoints,
    context::MappingContext,
    destination::FailureFolder,
    mapping::EventSourceMapping,
    observer::NoObserver,
    poll_trigger::Polling,
    settings::Settings,
    source::{Page, Position, Record, Shard, Source, SourceError},
    status::Status,
    target::{Reply, Target},
};
use time::OffsetDateTime;
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

const SHARD: &str = "shardId-000000000000";

/// A stream of one closed shard with three records. An iterator is an index.
struct Letters;

#[async_trait]
impl Source for Letters {
    async fn shards(&self) -> Result<Vec<Shard>, SourceError> {
        Ok(vec![Shard {
            id: SHARD.to_owned(),
            parents: Vec::new(),
        }])
    }

    async fn iterator(&self, _: &str, position: &Position) -> Result<String, SourceError> {
        Ok(match position {
            Position::Starting(_) => "0".to_owned(),
            Position::At(number) => number.clone(),
            Position::After(number) => (number.parse().unwrap_or(0) + 1).to_string(),
        })
    }

    async fn records(&self, iterator: &str, _: u32) -> Result<Page, SourceError> {
        let letters = ["a", "b", "c"].into_iter().enumerate();
        let records = letters.skip(iterator.parse().unwrap_or(0));
        Ok(Page {
            records: records
                .map(|(number, letter)| Record {
                    sequence_number: number.to_string(),
                    partition_key: letter.to_owned(),
                    data: letter.into(),
                    arrived: OffsetDateTime::now_utc(),
                })
                .collect(),
            next_iterator: None,
            millis_behind_latest: 0,
        })
    }
}

/// A function that is a closure.
struct Closure<F>(F);

#[async_trait]
impl<F: Fn(Bytes) -> Reply + Send + Sync> Target for Closure<F> {
    fn name(&self) -> String {
        "closure".to_owned()
    }

    async fn invoke(&self, event: Bytes) -> Reply {
        (self.0)(event)
    }
}

/// Maps the stream to a closure that sends every event to `events`.
fn map(events: UnboundedSender<Bytes>) -> EventSourceMapping {
    let function = move |event: Bytes| match events.send(event) {
        Ok(()) => Reply::Success(Bytes::new()),
        Err(error) => Reply::Unavailable(error.to_string()),
    };
    EventSourceMapping::start(MappingContext {
        name: "Mapping".to_owned(),
        settings: Settings {
            batch_size: 2,
            ..Settings::default()
        },
        stream_arn: "arn:aws:kinesis:us-east-1:000000000000:stream/letters".to_owned(),
        region: "us-east-1".to_owned(),
        source: Arc::new(Letters),
        target: Arc::new(Closure(function)),
        checkpoints: Checkpoints::default(),
        observer: Arc::new(NoObserver),
        status: Status::default(),
        failures: Arc::new(FailureFolder::new("failures".as_ref())),
        poll_trigger: Arc::new(Polling::default()),
        backoff: Backoff::default(),
        clock: Clock::system(),
        stop: CancellationToken::new(),
    })
}

/// The records of `batches` events.
async fn receive(
    events: &mut UnboundedReceiver<Bytes>,
    batches: usize,
) -> Result<Vec<serde_json::Value>, Box<dyn Error>> {
    let mut records = Vec::new();
    for _ in 0..batches {
        let event = timeout(Duration::from_secs(10), events.recv()).await?;
        let event = event.ok_or("the mapping has ended")?;
        records.push(serde_json::from_slice(&event)?);
    }
    Ok(records)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (send, mut events) = unbounded_channel();
    let mapping = map(send);
    for event in receive(&mut events, 2).await? {
        println!("{event:#}");
    }
    mapping.stop().await;
    Ok(())
}

#[tokio::test]
async fn the_closure_is_invoked_with_two_batches_of_the_three_records() {
    let (send, mut events) = unbounded_channel();
    let mapping = map(send);
    let events = receive(&mut events, 2).await.unwrap();
    let numbers = |event: &serde_json::Value| -> Vec<String> {
        let records = event["Records"].as_array().unwrap().iter();
        let number = |record: &serde_json::Value| record["kinesis"]["sequenceNumber"].clone();
        records
            .map(|record| number(record).as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(numbers(&events[0]), ["0", "1"]);
    assert_eq!(numbers(&events[1]), ["2"]);
    mapping.stop().await;
}
