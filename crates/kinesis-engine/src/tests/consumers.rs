use std::time::Duration;

use axum_core::body::Body;
use futures_util::StreamExt;
use http::HeaderMap;
use serde_json::{Value, json};

use super::fixture::{FIRST_SHARD, Fixture, data};
use aws_wire::service::{Call, Service};

const ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/orders";

async fn register(fixture: &Fixture) -> String {
    let request = json!({"StreamARN": ARN, "ConsumerName": "reader"});
    let reply = fixture.ok("RegisterStreamConsumer", request).await;
    reply["Consumer"]["ConsumerARN"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn subscription(consumer: &str, position: &Value) -> Value {
    json!({"ConsumerARN": consumer, "ShardId": FIRST_SHARD, "StartingPosition": position})
}

/// The events of a subscription.
struct Events(axum_core::body::BodyDataStream);

impl Events {
    async fn subscribe(fixture: &Fixture, request: Value) -> Self {
        let call = Call::new("SubscribeToShard", HeaderMap::new(), request.to_string());
        let reply = fixture.kinesis.call(call).await.unwrap();
        assert_eq!(
            reply.headers()["content-type"],
            "application/vnd.amazon.eventstream"
        );
        let mut events = Self(Body::into_data_stream(reply.into_body()));
        assert_eq!(
            events.next().await.unwrap(),
            json!({}),
            "the initial response"
        );
        events
    }

    async fn next(&mut self) -> Option<Value> {
        let message = self.0.next().await?.unwrap();
        let headers = u32::from_be_bytes(message[4..8].try_into().unwrap()) as usize;
        Some(serde_json::from_slice(&message[12 + headers..message.len() - 4]).unwrap())
    }
}

#[tokio::test]
async fn a_consumer_is_registered_once_described_listed_and_removed() {
    let fixture = Fixture::with_stream(1).await;
    let arn = register(&fixture).await;
    assert!(arn.starts_with(&format!("{ARN}/consumer/reader:")), "{arn}");
    let again = json!({"StreamARN": ARN, "ConsumerName": "reader"});
    assert_eq!(
        fixture
            .refused("RegisterStreamConsumer", again.clone())
            .await,
        "ResourceInUseException"
    );
    let described = fixture
        .ok("DescribeStreamConsumer", json!({"ConsumerARN": arn}))
        .await;
    assert_eq!(described["ConsumerDescription"]["ConsumerStatus"], "ACTIVE");
    let listed = fixture
        .ok("ListStreamConsumers", json!({"StreamARN": ARN}))
        .await;
    assert_eq!(listed["Consumers"][0]["ConsumerARN"], arn);
    let stream = json!({"StreamName": "orders"});
    assert_eq!(
        fixture.refused("DeleteStream", stream).await,
        "ResourceInUseException"
    );
    fixture.ok("DeregisterStreamConsumer", again.clone()).await;
    assert_eq!(
        fixture.refused("DescribeStreamConsumer", again).await,
        "ResourceNotFoundException"
    );
}

#[tokio::test(start_paused = true)]
async fn records_are_pushed_as_they_arrive_until_the_shard_ends() {
    let fixture = Fixture::with_stream(1).await;
    let arn = register(&fixture).await;
    fixture.put("k", "old").await;
    let mut events = Events::subscribe(
        &fixture,
        subscription(&arn, &json!({"Type": "TRIM_HORIZON"})),
    )
    .await;
    assert_eq!(data(&events.next().await.unwrap()), ["old"]);
    let number = fixture.put("k", "new").await;
    let event = events.next().await.unwrap();
    assert_eq!(data(&event), ["new"]);
    assert_eq!(event["ContinuationSequenceNumber"], number);
    assert_eq!(event["MillisBehindLatest"], 0);
    let split =
        json!({"StreamName": "orders", "ShardToSplit": FIRST_SHARD, "NewStartingHashKey": "5"});
    fixture.ok("SplitShard", split).await;
    let last = events.next().await.unwrap();
    assert_eq!(last["ChildShards"].as_array().unwrap().len(), 2);
    assert_eq!(events.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_subscription_ends_after_five_minutes() {
    let fixture = Fixture::with_stream(1).await;
    let arn = register(&fixture).await;
    let start = tokio::time::Instant::now();
    let mut events =
        Events::subscribe(&fixture, subscription(&arn, &json!({"Type": "LATEST"}))).await;
    while events.next().await.is_some() {}
    assert_eq!(start.elapsed().as_secs(), 300);
}

#[tokio::test(start_paused = true)]
async fn a_second_subscription_takes_over_after_five_seconds() {
    let fixture = Fixture::with_stream(1).await;
    let arn = register(&fixture).await;
    let request = subscription(&arn, &json!({"Type": "LATEST"}));
    let mut first = Events::subscribe(&fixture, request.clone()).await;
    assert_eq!(
        fixture.refused("SubscribeToShard", request.clone()).await,
        "ResourceInUseException"
    );
    assert_eq!(data(&first.next().await.unwrap()), Vec::<String>::new());
    tokio::time::advance(Duration::from_secs(5)).await;
    let _second = Events::subscribe(&fixture, request).await;
    let mut last = Value::Null;
    while let Some(event) = first.next().await {
        last = event;
    }
    assert_eq!(last["__type"], "ResourceInUseException");
}

#[tokio::test(start_paused = true)]
async fn deregistering_a_consumer_ends_its_subscriptions() {
    let fixture = Fixture::with_stream(1).await;
    let arn = register(&fixture).await;
    let request = subscription(&arn, &json!({"Type": "LATEST"}));
    let mut events = Events::subscribe(&fixture, request).await;
    let consumer = json!({"ConsumerARN": arn});
    fixture.ok("DeregisterStreamConsumer", consumer).await;
    let mut last = Value::Null;
    while let Some(event) = events.next().await {
        last = event;
    }
    assert_eq!(last["__type"], "ResourceNotFoundException");
}

#[tokio::test(start_paused = true)]
async fn a_subscription_with_a_backlog_also_ends_after_five_minutes() {
    let fixture = Fixture::with_stream(1).await;
    let arn = register(&fixture).await;
    for _ in 0..20 {
        fixture.put("k", &"x".repeat(700_000)).await;
    }
    let request = subscription(&arn, &json!({"Type": "TRIM_HORIZON"}));
    let mut events = Events::subscribe(&fixture, request).await;
    tokio::time::advance(Duration::from_mins(5)).await;
    assert_eq!(events.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_consumer_can_subscribe_once_it_is_active() {
    let fixture = Fixture::with(crate::Options {
        transition_delay: Duration::from_secs(1),
        ..crate::Options::default()
    })
    .await;
    let create = json!({"StreamName": "orders", "ShardCount": 1});
    fixture.ok("CreateStream", create).await;
    tokio::time::advance(Duration::from_secs(1)).await;
    let arn = register(&fixture).await;
    let request = subscription(&arn, &json!({"Type": "LATEST"}));
    assert_eq!(
        fixture.refused("SubscribeToShard", request.clone()).await,
        "ResourceInUseException"
    );
    tokio::time::advance(Duration::from_secs(1)).await;
    Events::subscribe(&fixture, request).await;
}

#[tokio::test(start_paused = true)]
async fn a_consumer_of_a_recreated_stream_can_subscribe_at_once() {
    let fixture = Fixture::with_stream(1).await;
    let request = subscription(&register(&fixture).await, &json!({"Type": "LATEST"}));
    let mut before = Events::subscribe(&fixture, request).await;
    let delete = json!({"StreamName": "orders", "EnforceConsumerDeletion": true});
    fixture.ok("DeleteStream", delete).await;
    let create = json!({"StreamName": "orders", "ShardCount": 1});
    fixture.ok("CreateStream", create).await;
    // Within the same second: the consumer has the same ARN again.
    let request = subscription(&register(&fixture).await, &json!({"Type": "LATEST"}));
    let _after = Events::subscribe(&fixture, request).await;
    let mut last = Value::Null;
    while let Some(event) = before.next().await {
        last = event;
    }
    assert_eq!(last["__type"], "ResourceNotFoundException");
}

#[tokio::test(start_paused = true)]
async fn a_subscription_of_a_recreated_consumer_does_not_outlive_the_first() {
    let fixture = Fixture::with_stream(1).await;
    let arn = register(&fixture).await;
    let request = subscription(&arn, &json!({"Type": "LATEST"}));
    let mut before = Events::subscribe(&fixture, request).await;
    let consumer = json!({"ConsumerARN": arn});
    fixture.ok("DeregisterStreamConsumer", consumer).await;
    assert_eq!(register(&fixture).await, arn, "within the same second");
    let mut last = Value::Null;
    while let Some(event) = before.next().await {
        last = event;
    }
    assert_eq!(last["__type"], "ResourceNotFoundException");
}
