//! `SubscribeToShard` (enhanced fan-out): the engine pushes records as they arrive.

use std::{convert::Infallible, sync::Arc, time::Duration};

use aws_wire::format::null_is_default;
use aws_wire::{event_stream, format::Format, timestamp::Timestamp};
use axum_core::{
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderValue, header};
use serde::{Deserialize, Serialize};
use tokio::{sync::watch, time::Instant};

use super::{consumers, get_records::Records, shapes::ChildShard};
use crate::{
    engine::{
        Engine,
        batch::Window,
        iterator::{StartingPoint, locate},
        lifecycle::Status,
        moment::Moment,
        sequence::SequenceNumber,
        shard::Shard,
        stream::Stream,
        subscriptions::{Ended, Subscription},
    },
    error::KinesisError,
    validation::Constraints,
};

/// How long a subscription lasts (API reference: "for up to 5 minutes").
const LIFETIME: Duration = Duration::from_mins(5);
/// How often an event is sent although nothing has arrived, so that both sides
/// know of each other.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// Bytes of keys and data in one event at most: events are small and many.
const EVENT_BYTES: usize = 1024 * 1024;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    #[serde(rename = "ConsumerARN", default, deserialize_with = "null_is_default")]
    consumer_arn: String,
    #[serde(default, deserialize_with = "null_is_default")]
    shard_id: String,
    starting_position: StartingPosition,
}

/// `StartingPosition`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StartingPosition {
    r#type: StartingPoint,
    sequence_number: Option<String>,
    timestamp: Option<Timestamp>,
}

/// `SubscribeToShardEvent`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Event {
    records: Records,
    continuation_sequence_number: Option<SequenceNumber>,
    millis_behind_latest: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    child_shards: Option<Vec<ChildShard>>,
}

/// The state of one subscription.
struct Feed {
    engine: Arc<Engine>,
    stream: Arc<Stream>,
    shard: Arc<Shard>,
    consumer: String,
    subscription: Subscription,
    format: Format,
    arrivals: watch::Receiver<u64>,
    next: u64,
    until: Instant,
    /// Whether the first event was sent: it follows at once, also without records.
    begun: bool,
    ended: bool,
}

/// Subscribes a consumer to a shard.
pub(super) async fn subscribe_to_shard(
    engine: &Arc<Engine>,
    request: Request,
    format: Format,
) -> Result<Response, KinesisError> {
    let mut constraints = Constraints::default();
    constraints.length("consumerARN", &request.consumer_arn, 1, 2048);
    constraints.name("shardId", &request.shard_id);
    constraints.finish()?;
    let (stream, consumer) = consumers::by_arn(engine, &request.consumer_arn)?;
    if consumer.lifecycle.at(engine.clock().millis()) != Some(Status::Active) {
        return Err(KinesisError::ResourceInUse(format!(
            "Consumer {} is not ACTIVE.",
            consumer.arn
        )));
    }
    let shard = stream.shard(&request.shard_id, &engine.options.account)?;
    // Before reading: a record that arrives in between then wakes the first wait.
    let arrivals = engine.arrivals.records(&stream.name, &shard.id);
    let position = request.starting_position;
    let next = locate(
        &shard,
        position.r#type,
        position.sequence_number.as_deref(),
        position.timestamp,
        engine.moment(&stream),
    )?;
    let subscription = engine.subscriptions.take(&consumer.arn, &shard.id)?;
    let feed = Feed {
        engine: Arc::clone(engine),
        stream,
        shard,
        consumer: consumer.arn,
        subscription,
        format,
        arrivals,
        next,
        until: Instant::now() + LIFETIME,
        begun: false,
        ended: false,
    };
    let begun = event_stream::event(
        "initial-response",
        format.content_type(),
        &format.write(&Empty {})?,
    );
    let events =
        futures_util::stream::unfold((Some(begun), feed), |(ready, mut feed)| async move {
            let message = match ready {
                Some(message) => message,
                None => feed.message().await?,
            };
            Some((Ok::<_, Infallible>(Bytes::from(message)), (None, feed)))
        });
    let mut reply = Body::from_stream(events).into_response();
    let content_type = HeaderValue::from_static(event_stream::CONTENT_TYPE);
    reply
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    Ok(reply)
}

#[derive(Serialize)]
struct Empty {}

impl Feed {
    /// Waits for the next message; `None` ends the subscription.
    async fn message(&mut self) -> Option<Vec<u8>> {
        if self.ended {
            return None;
        }
        let heartbeat = Instant::now() + HEARTBEAT;
        let mut idle = !self.begun;
        self.begun = true;
        loop {
            // Also with a backlog, which never waits.
            if Instant::now() >= self.until {
                return None;
            }
            if self.stream.status(self.engine.clock().millis()).is_none() {
                self.ended = true;
                let gone = format!("Stream {} has been deleted.", self.stream.name);
                return Some(self.exception(KinesisError::ResourceNotFound(gone)));
            }
            if let Some(event) = self.read(idle) {
                return Some(event);
            }
            tokio::select! {
                // The sender lives as long as the engine, which this holds.
                _ = self.arrivals.changed() => {}
                ended = self.subscription.ended() => {
                    self.ended = true;
                    let error = match ended {
                        Ended::TakenOver => KinesisError::ResourceInUse(
                            "Another SubscribeToShard call has taken over this subscription.".to_owned(),
                        ),
                        Ended::ConsumerGone => consumers::no_such_consumer(&self.consumer),
                    };
                    return Some(self.exception(error));
                }
                () = tokio::time::sleep_until(self.until) => return None,
                () = tokio::time::sleep_until(heartbeat) => idle = true,
            }
        }
    }

    /// An event with the records that have arrived; without any, only if `idle`.
    fn read(&mut self, idle: bool) -> Option<Vec<u8>> {
        let window = Window {
            from: self.next,
            limit: usize::MAX,
            bytes: EVENT_BYTES,
        };
        // A consumer has its own throughput: the shard's reads are not charged.
        let now = Moment {
            limited: false,
            ..self.engine.moment(&self.stream)
        };
        let batch = self.shard.read(window, now).ok()?;
        if batch.records.is_empty() && batch.ended.is_none() && !idle {
            return None;
        }
        self.next = batch.next();
        self.ended = batch.ended.is_some();
        let child_shards = batch
            .ended
            .as_ref()
            .map(|children| ChildShard::of(&self.stream.topology(), children));
        let event = Event {
            // A new subscription AFTER this number continues here.
            continuation_sequence_number: (!self.ended).then(|| self.shard.sequence(self.next - 1)),
            millis_behind_latest: batch.behind(now.millis()),
            child_shards,
            records: Records::new(&self.shard, batch),
        };
        Some(match self.format.write(&event) {
            Ok(body) => {
                event_stream::event("SubscribeToShardEvent", self.format.content_type(), &body)
            }
            Err(error) => {
                self.ended = true;
                self.exception(error.into())
            }
        })
    }

    fn exception(&self, error: KinesisError) -> Vec<u8> {
        let code = error.code();
        let body = self.format.error_body(&error.into());
        event_stream::exception(code, self.format.content_type(), &body)
    }
}
