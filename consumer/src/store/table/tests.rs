//! Requests to DynamoDB, and its replies.

use super::{LocationTable, MAX_NAMES, MORE_ROUNDS, pause};
use crate::{
    metrics::Metrics,
    store::{Read, Store, StoreError, requests::CountRequests},
};
use aws_sdk_dynamodb::{
    Client, Config,
    config::{
        BehaviorVersion, Credentials, Region, StalledStreamProtectionConfig, timeout::TimeoutConfig,
    },
};
use serde_json::{Value, json};
use std::{collections::HashMap, sync::Arc};
use tokio::time::Instant;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers::header};

/// A `BatchGetItem` that processes the first `takes` keys of a request and leaves
/// the rest unprocessed. It has an item for each key but `Moon`.
struct Reluctant {
    takes: usize,
}

impl Respond for Reluctant {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let request: Value = request.body_json().unwrap();
        let keys = request["RequestItems"]["Locations"]["Keys"].as_array();
        let (taken, left) = keys
            .unwrap()
            .split_at_checked(self.takes)
            .unwrap_or((keys.unwrap(), &[]));
        assert!(taken.len() + left.len() <= MAX_NAMES);
        let too_long = |key: &Value| key["location"]["S"].as_str().unwrap().len() > 2048;
        if taken.iter().chain(left).any(too_long) {
            return ResponseTemplate::new(400).set_body_json(json!({
                "__type": "com.amazon.coral.validate#ValidationException",
                "message": "Size of hashkey has exceeded the maximum size limit of2048 bytes",
            }));
        }
        let items: Vec<&Value> = taken
            .iter()
            .filter(|key| key["location"]["S"] != "Moon")
            .collect();
        let unprocessed = match left {
            [] => json!({}),
            left => json!({ "Locations": { "Keys": left } }),
        };
        ResponseTemplate::new(200).set_body_json(json!({
            "Responses": { "Locations": items },
            "UnprocessedKeys": unprocessed,
        }))
    }
}

async fn table(takes: usize) -> (LocationTable, MockServer) {
    let (table, server, _) = counted_table(takes).await;
    (table, server)
}

async fn counted_table(takes: usize) -> (LocationTable, MockServer, Arc<Metrics>) {
    let metrics = Arc::new(Metrics::default());
    let server = MockServer::start().await;
    Mock::given(header("x-amz-target", "DynamoDB_20120810.BatchGetItem"))
        .respond_with(Reluctant { takes })
        .mount(&server)
        .await;
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "test"))
        // On a paused clock, every timeout would fire while a request waits.
        .timeout_config(TimeoutConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .interceptor(CountRequests(metrics.clone()))
        .endpoint_url(server.uri());
    let client = Client::from_conf(config.build());
    (LocationTable::new(client, "Locations"), server, metrics)
}

async fn requests(server: &MockServer) -> usize {
    server.received_requests().await.unwrap_or_default().len()
}

/// Reads `names`, and gives the results in their order.
async fn read_many(table: &LocationTable, names: &[&str]) -> Vec<Read> {
    let mut found = HashMap::new();
    table.read_many(names, &mut found).await;
    let results = names.iter().map(|name| found.remove(*name).unwrap());
    results.collect()
}

#[tokio::test]
async fn unprocessed_keys_are_asked_for_again() {
    let (table, server) = table(2).await;
    let names = ["Car", "Moon", "House", "Diner", ""];
    let found = read_many(&table, &names).await;
    let found: Vec<Option<String>> = found
        .into_iter()
        .map(|read| read.unwrap().map(|item| item.location))
        .collect();
    let expected = [Some("Car"), None, Some("House"), Some("Diner"), None];
    assert_eq!(found, expected.map(|name| name.map(str::to_owned)));
    assert_eq!(requests(&server).await, 2);
}

#[tokio::test(start_paused = true)]
async fn unprocessed_keys_are_asked_for_again_after_a_pause() {
    let (table, server) = table(1).await;
    let began = Instant::now();
    let found = read_many(&table, &["Car", "House", "Diner"]).await;
    assert!(found.iter().all(Result::is_ok), "{found:?}");
    assert_eq!(requests(&server).await, 3);
    // Jitter takes off half of a pause at most.
    assert!(began.elapsed() >= (pause(0) + pause(1)) / 2);
}

#[tokio::test]
async fn keys_that_stay_unprocessed_are_an_error_not_an_absence() {
    let (table, server) = table(1).await;
    let names = ["Car", "House", "Diner", "Attic"];
    let found = read_many(&table, &names).await;
    assert!(found[..3].iter().all(|read| matches!(read, Ok(Some(_)))));
    let Err(StoreError::Unreadable { reason, .. }) = &found[3] else {
        panic!("{:?}", found[3]);
    };
    assert_eq!(reason, "BatchGetItem left 1 of 4 keys unprocessed");
    assert_eq!(requests(&server).await, 1 + MORE_ROUNDS as usize);
}

#[tokio::test]
async fn every_request_is_counted() {
    let (table, server, metrics) = counted_table(60).await;
    let names: Vec<String> = (0..250).map(|place| format!("place {place}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    read_many(&table, &names).await;
    // Two for each full hundred, one for the rest.
    assert_eq!(requests(&server).await, 5);
    assert_eq!(metrics.take().store_reads, 5);
}

#[tokio::test]
async fn more_than_100_keys_take_several_requests() {
    let (table, server) = table(usize::MAX).await;
    let names: Vec<String> = (0..250).map(|place| format!("place {place}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let found = read_many(&table, &names).await;
    for (name, read) in names.iter().zip(found) {
        assert_eq!(read.unwrap().unwrap().location, *name);
    }
    assert_eq!(requests(&server).await, 3);
}

#[tokio::test]
async fn a_name_too_long_for_a_key_is_not_asked_for_and_fails_no_other() {
    let (table, server) = table(usize::MAX).await;
    let too_long = "x".repeat(2049);
    let found = read_many(&table, &["Car", &too_long, "House"]).await;
    assert!(matches!(found[0], Ok(Some(_))), "{:?}", found[0]);
    assert_eq!(found[1], Ok(None));
    assert!(matches!(found[2], Ok(Some(_))), "{:?}", found[2]);
    assert_eq!(table.read(&too_long).await, Ok(None));
    assert_eq!(requests(&server).await, 1);
}

#[tokio::test]
async fn an_empty_name_is_not_asked_for() {
    let (table, server) = table(1).await;
    assert_eq!(read_many(&table, &[""]).await, [Ok(None)]);
    assert_eq!(table.read("").await, Ok(None));
    assert_eq!(requests(&server).await, 0);
}
