//! Records and their journeys.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use crate::world::{World, kinds, order, poison};

#[tokio::test]
async fn nothing_is_recorded_before_a_page_is_opened() {
    let world = World::start().await;
    assert!(!world.embedded.events.is_recorded());
    world.put("a", order(1)).await;
    world.settled().await;
    let first = world.get("/_local/records").await;
    assert_eq!(first["records"], json!([]));
    assert!(world.embedded.events.is_recorded());
    world.put("b", order(2)).await;
    let has_one = |list: &Value| list["records"].as_array().unwrap().len() == 1;
    let list = world.eventually("/_local/records", has_one).await;
    assert_eq!(list["records"][0]["partitionKey"], "b");
}

#[tokio::test]
async fn a_processed_record_s_journey_has_its_batch_its_invocation_and_the_calls_in_it() {
    let world = World::opened().await;
    let data = order(1);
    let number = world.put("customer-7", data.clone()).await;
    let journey = world.journey(&number, "processed").await;
    let record = &journey["record"];
    assert_eq!(record["stream"], "orders");
    assert_eq!(record["partitionKey"], "customer-7");
    assert_eq!(record["data"], BASE64_STANDARD.encode(&data));
    assert_eq!(record["preview"], data);
    assert_eq!(record["tries"], 1);
    assert_eq!(record["function"], "work");
    let steps = &journey["steps"];
    let expected = ["put", "readable", "batch", "invocation", "processed"];
    assert_eq!(kinds(steps), expected, "{steps:#}");
    let times: Vec<_> = steps
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["at"].as_f64().unwrap())
        .collect();
    assert!(times.is_sorted() && times[0] == 0.0, "{times:?}");
    let invocation = &steps[3];
    assert_eq!(invocation["outcome"], "ok");
    assert_eq!(invocation["environment"], 1);
    let within = kinds(&invocation["children"]);
    for kind in ["cache", "store", "log", "response"] {
        assert!(within.contains(&kind), "{kind}: {steps:#}");
    }
    let of = |kind: &str| {
        let children = invocation["children"].as_array().unwrap();
        children
            .iter()
            .find(|step| step["kind"] == kind)
            .unwrap()
            .clone()
    };
    assert_eq!(of("cache")["title"], "Get c order-1");
    assert_eq!(of("cache")["outcome"], "miss");
    assert_eq!(of("store")["title"], "GetItem orders order-1");
    let line = of("log")["title"].as_str().unwrap().to_owned();
    assert!(line.contains(invocation["requestId"].as_str().unwrap()));
    let command = journey["command"]["put"].as_str().unwrap();
    assert!(
        command.starts_with("aws kinesis put-record ") && command.contains(&data),
        "{command}"
    );
}

#[tokio::test]
async fn a_poison_record_s_journey_has_put_invocations_retry_and_discarded() {
    let world = World::opened().await;
    let number = world.put("k", poison()).await;
    let journey = world.journey(&number, "discarded").await;
    let steps = journey["steps"].as_array().unwrap();
    let expected = [
        "put",
        "readable",
        "batch",
        "invocation",
        "retry",
        "batch",
        "invocation",
        "discarded",
    ];
    assert_eq!(kinds(&journey["steps"]), expected, "{journey:#}");
    for at in [3, 6] {
        assert_eq!(steps[at]["outcome"], "error");
        assert_eq!(steps[at]["detail"], "OrderError: no such order");
    }
    assert_ne!(steps[3]["requestId"], steps[6]["requestId"]);
    assert!(steps[4]["durationMs"].as_f64().unwrap() > 0.0);
    assert_eq!(steps[7]["outcome"], "RetryAttemptsExhausted");
    assert_eq!(journey["record"]["tries"], 2);

    let failures = world.get("/_local/failures").await;
    let id = failures[0]["id"].as_str().unwrap();
    let path = format!("/_local/records/orders/{number}");
    let has_id = |journey: &Value| journey["steps"][7]["detail"].to_string().contains(id);
    world.eventually(&path, has_id).await;
}

#[tokio::test]
async fn a_discarded_record_s_journey_outlives_ten_thousand_newer_records() {
    let world = World::opened().await;
    let number = world.put("k", poison()).await;
    let journey = world.journey(&number, "discarded").await;
    world.put_unwanted(10_500).await;
    world.settled().await;
    let all = world.get("/_local/records?limit=1000").await;
    let oldest = all["records"].as_array().unwrap().last().unwrap();
    assert_ne!(oldest["sequenceNumber"], number.as_str());
    let list = world.get("/_local/records?status=discarded").await;
    assert_eq!(list["records"].as_array().unwrap().len(), 1, "{list}");
    assert_eq!(list["records"][0]["sequenceNumber"], number.as_str());
    let path = format!("/_local/records?before={number}");
    assert_eq!(world.get(&path).await["records"], json!([]));
    let later = world.get(&format!("/_local/records/orders/{number}")).await;
    let (before, after) = (&journey["steps"], &later["steps"]);
    assert_eq!(kinds(before), kinds(after), "{later:#}");
    let invocation = after.as_array().unwrap().iter();
    let mut invocation = invocation.filter(|step| step["kind"] == "invocation");
    let children = kinds(&invocation.next().unwrap()["children"]);
    assert!(children.contains(&"log"), "{later:#}");
}

#[tokio::test]
async fn a_journey_as_text_is_a_line_for_each_step() {
    let world = World::opened().await;
    let number = world.put("k", poison()).await;
    world.journey(&number, "discarded").await;
    let path = format!("/_local/records/orders/{number}?format=text");
    let text = world.get(&path).await;
    let text = text.as_str().unwrap();
    for part in [
        number.as_str(),
        "discarded after ",
        "2 invocations",
        "|  put ",
        "Retry: invocation 2 of work: error, environment 1",
        "OrderError: no such order",
        "Discarded by mapping Mapping: RetryAttemptsExhausted",
        "aws kinesis put-record",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
}

#[tokio::test]
async fn a_record_that_no_filter_matches_is_filtered() {
    let world = World::opened().await;
    let number = world.put("k", r#"{"kind":"other"}"#).await;
    let journey = world.journey(&number, "filtered").await;
    assert_eq!(kinds(&journey["steps"]), ["put", "readable", "filtered"]);
}

#[tokio::test]
async fn records_are_listed_newest_first_and_found_by_their_fields_and_their_text() {
    let world = World::opened().await;
    let mut numbers = Vec::new();
    for number in 1..=4 {
        numbers.push(world.put(&format!("k{}", number % 2), order(number)).await);
    }
    world.settled().await;
    world.put("k9", r#"{"kind":"other","note":"Grüße"}"#).await;
    let listed = async |query: &str| {
        let list = world.get(&format!("/_local/records?{query}")).await;
        let records = list["records"].as_array().unwrap().clone();
        let number = |record: Value| record["sequenceNumber"].as_str().unwrap().to_owned();
        records.into_iter().map(number).collect::<Vec<_>>()
    };
    let path = "/_local/records?status=filtered";
    world
        .eventually(path, |list| list["records"].as_array().unwrap().len() == 1)
        .await;
    numbers.reverse();
    assert_eq!(listed("status=processed").await, numbers);
    assert_eq!(listed("status=processed&limit=2").await, numbers[..2]);
    let before = format!("status=processed&before={}", numbers[1]);
    assert_eq!(listed(&before).await, numbers[2..]);
    assert_eq!(
        listed("key=k1").await,
        [numbers[1].clone(), numbers[3].clone()]
    );
    assert_eq!(listed("text=ORDER-3").await, [numbers[1].clone()]);
    assert_eq!(listed("text=gr%C3%BC%C3%9Fe").await.len(), 1);
    assert_eq!(listed("stream=nothing").await, [""; 0]);
    assert_eq!(
        listed("shard=shardId-000000000000&stream=orders")
            .await
            .len(),
        5
    );
    assert_eq!(
        listed(&format!("sequenceNumber={}", numbers[0])).await,
        numbers[..1]
    );
}

#[tokio::test]
async fn an_unknown_record_is_not_found() {
    let world = World::opened().await;
    let (status, body) = world
        .ask(
            reqwest::Method::GET,
            "/_local/records/orders/1",
            Value::Null,
        )
        .await;
    assert_eq!(status, 404);
    assert!(
        body["message"].as_str().unwrap().contains("no record 1"),
        "{body}"
    );
}

#[tokio::test]
async fn data_that_is_markup_stays_text_in_json() {
    let world = World::opened().await;
    let data = r#"{"kind":"order","id":"<script>alert(1)</script>"}"#;
    let number = world.put("<b>k</b>", data).await;
    let path = format!("/_local/records/orders/{number}");
    let reply = world
        .request(reqwest::Method::GET, &path)
        .send()
        .await
        .unwrap();
    assert_eq!(reply.headers()["content-type"], "application/json");
    assert_eq!(reply.headers()["x-content-type-options"], "nosniff");
}
