//! Execution environments, the cache and discarded batches.

use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

use crate::world::{World, kinds, poison};

#[tokio::test]
async fn an_environment_is_listed_killed_and_gone() {
    let world = World::start().await;
    let functions = world.get("/_local/functions").await;
    let work = &functions[0];
    assert_eq!(work["name"], "work");
    assert_eq!(work["memoryMb"], 128);
    assert_eq!(work["concurrency"], 50);
    let environment = &work["environments"][0];
    assert_eq!(environment["number"], 1);
    assert_eq!(environment["state"], "idle");
    assert_eq!(environment["invocations"], 0);

    world.post("/_local/environments/work/1/kill").await;
    let is_gone = |list: &Value| list[0]["environments"] == json!([]);
    world.eventually("/_local/functions", is_gone).await;
    let path = "/_local/environments/work/1/kill";
    let (status, body) = world.ask(Method::POST, path, Value::Null).await;
    assert_eq!(status, 404, "{body}");
    let path = "/_local/environments/nobody/1/kill";
    let (status, _) = world.ask(Method::POST, path, Value::Null).await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn a_restarted_function_has_a_new_environment() {
    let world = World::start().await;
    world.post("/_local/functions/work/restart").await;
    let functions = world.get("/_local/functions").await;
    let numbers: Vec<_> = functions[0]["environments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["number"])
        .collect();
    assert_eq!(numbers, [2]);
}

#[tokio::test]
async fn fault_rules_are_set_shown_and_removed() {
    let world = World::start().await;
    let path = "/_local/cache/faults";
    let plan = json!({ "seed": 3, "rules": [{ "fault": { "kind": "latency", "ms": 5.0 }, "calls": ["Get"] }] });
    let (status, set) = world.ask(Method::PUT, path, plan).await;
    assert_eq!(status, 200, "{set}");
    assert_eq!(set["seed"], 3);
    assert_eq!(world.get(path).await, set);
    let (status, body) = world
        .ask(Method::PUT, path, json!({ "rules": ["nonsense"] }))
        .await;
    assert_eq!(status, 400, "{body}");
    let (status, cleared) = world.ask(Method::DELETE, path, Value::Null).await;
    assert_eq!((status, &cleared["rules"]), (200, &json!([])));
}

#[tokio::test]
async fn the_cache_s_items_are_listed_with_their_ttl_and_flushed() {
    let world = World::start().await;
    let keyspace = world.embedded.cache.as_ref().unwrap().keyspace();
    let ttl = Duration::from_mins(1);
    keyspace
        .set("c", b"text".to_vec(), b"1234".to_vec(), ttl)
        .unwrap();
    keyspace
        .set("c", vec![0xff, 0], b"1".to_vec(), ttl)
        .unwrap();
    let entries = world.get("/_local/cache/entries?cache=c").await;
    assert_eq!(entries[0]["key"], "/wA=");
    assert_eq!(entries[0]["keyEncoding"], "base64");
    assert_eq!(entries[1]["key"], "text");
    assert_eq!(entries[1]["bytes"], 8);
    let left = entries[1]["ttlMs"].as_u64().unwrap();
    assert!((1..=60_000).contains(&left), "{left}");
    let limited = world.get("/_local/cache/entries?limit=1").await;
    assert_eq!(limited.as_array().unwrap().len(), 1);
    let flushed = world.post("/_local/cache/flush").await;
    assert_eq!(flushed["flushed"], json!(["c"]));
    assert_eq!(world.get("/_local/cache/entries").await, json!([]));
}

#[tokio::test]
async fn a_discarded_batch_is_listed_and_a_redrive_that_fails_leaves_it() {
    let world = World::opened().await;
    assert_eq!(world.get("/_local/failures").await, json!([]));
    let number = world.put("k", poison()).await;
    world.settled().await;
    let before = world.journey(&number, "discarded").await;
    let failures = world.get("/_local/failures").await;
    let document = &failures[0]["document"];
    assert_eq!(
        document["requestContext"]["condition"],
        "RetryAttemptsExhausted"
    );
    let id = failures[0]["id"].as_str().unwrap();
    let path = format!("/_local/failures/{id}/redrive");
    let (status, body) = world.ask(Method::POST, &path, Value::Null).await;
    assert_eq!(status, 409, "{body}");
    assert!(
        body["message"].as_str().unwrap().contains("no such order"),
        "{body}"
    );
    assert_eq!(world.get("/_local/failures").await, failures);
    let after = world.journey(&number, "discarded").await;
    assert_eq!(kinds(&after["steps"]), kinds(&before["steps"]));
    let path = "/_local/failures/nothing/redrive";
    let (status, _) = world.ask(Method::POST, path, Value::Null).await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn a_record_of_a_redriven_batch_is_processed_and_its_journey_has_the_redrive() {
    let world = World::opened().await;
    let number = world.put("k", poison()).await;
    let discarded = world.journey(&number, "discarded").await;
    let failures = world
        .eventually("/_local/failures", |all| *all != json!([]))
        .await;
    let id = failures[0]["id"].as_str().unwrap();
    world.mend();
    let reply = world.post(&format!("/_local/failures/{id}/redrive")).await;
    assert_eq!(reply, json!({ "redriven": id, "records": 1 }));
    assert_eq!(world.get("/_local/failures").await, json!([]));
    let journey = world.journey(&number, "processed").await;
    let steps = journey["steps"].as_array().unwrap();
    let step = steps.last().unwrap();
    assert_eq!(
        (&step["kind"], &step["title"]),
        (&json!("redriven"), &json!("Redriven to work"))
    );
    assert_eq!(step["outcome"], "ok");
    let ended = step["at"].as_f64().unwrap() + step["durationMs"].as_f64().unwrap();
    let latency = |journey: &Value| journey["record"]["latencyMs"].as_f64().unwrap();
    assert!(ended > latency(&discarded), "{step}");
    assert!(latency(&journey) >= ended - 1.0, "{journey}");
}

#[tokio::test]
async fn a_batch_can_be_redriven_after_its_records_have_left_the_list() {
    let world = World::opened().await;
    let number = world.put("k", poison()).await;
    world.journey(&number, "discarded").await;
    world.put_unwanted(10_500).await;
    world.settled().await;
    let before = world.journey(&number, "discarded").await;
    let failures = world.get("/_local/failures").await;
    let id = failures[0]["id"].as_str().unwrap();
    world.mend();
    world.post(&format!("/_local/failures/{id}/redrive")).await;
    let after = world.journey(&number, "processed").await;
    let steps = |journey: &Value| journey["steps"].as_array().unwrap().len();
    assert_eq!(steps(&after), steps(&before) + 1);
    assert_eq!(kinds(&after["steps"]).last(), Some(&"redriven"));
}
