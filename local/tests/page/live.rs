//! The live stream of a page.

use local::events::EventKind;
use reqwest::{Method, Response};
use serde_json::Value;
use tokio::time::timeout;

use crate::world::{PATIENCE, World, order, poison};

/// The server-sent events of a reply.
struct Frames {
    reply: Response,
    rest: String,
}

impl Frames {
    async fn open(world: &World) -> Self {
        let reply = world
            .request(Method::GET, "/_local/live")
            .send()
            .await
            .unwrap();
        assert_eq!(reply.status(), 200);
        assert_eq!(reply.headers()["content-type"], "text/event-stream");
        Self {
            reply,
            rest: String::new(),
        }
    }

    /// The next event's name and data; `None` at the end.
    async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some((frame, rest)) = self.rest.split_once("\n\n") {
                let (frame, rest) = (frame.to_owned(), rest.to_owned());
                self.rest = rest;
                let mut lines = frame.lines();
                let Some(name) = lines.next().and_then(|line| line.strip_prefix("event: ")) else {
                    continue;
                };
                let data = lines.next().unwrap().strip_prefix("data: ").unwrap();
                assert_eq!(lines.next(), None);
                return Some((name.to_owned(), serde_json::from_str(data).unwrap()));
            }
            let chunk = timeout(PATIENCE, self.reply.chunk()).await.unwrap();
            let chunk = chunk.unwrap()?;
            self.rest.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The data of the first event of this name for which `is` holds.
    async fn until(&mut self, wanted: &str, is: impl Fn(&Value) -> bool) -> Value {
        loop {
            let (name, data) = self.next().await.unwrap();
            if name == wanted && is(&data) {
                return data;
            }
        }
    }
}

#[tokio::test]
async fn a_page_is_told_what_there_is_and_then_what_happens() {
    let world = World::start().await;
    let mut frames = Frames::open(&world).await;
    let (name, hello) = frames.next().await.unwrap();
    assert_eq!(name, "hello");
    assert_eq!(hello["region"], "us-east-1");
    assert_eq!(hello["account"], "000000000000");
    assert_eq!(hello["awsUrl"], world.embedded.aws.url());
    assert_eq!(hello["lambdaUrl"], world.embedded.lambda.url());
    assert_eq!(hello["functions"][0], "work");
    assert_eq!(hello["cache"]["kind"], "stub");
    let mapping = &hello["mappings"][0];
    assert_eq!(mapping["source"], "orders");
    assert_eq!(mapping["function"], "work");

    let number = world.put("k", order(1)).await;
    let is_processed = |message: &Value| {
        let records = message["records"].as_array().unwrap().iter();
        records
            .clone()
            .any(|one| one["sequenceNumber"] == number && one["status"] == "processed")
    };
    let records = frames.until("records", is_processed).await;
    assert_eq!(records["skipped"], 0);
}

#[tokio::test]
async fn a_sample_counts_what_a_second_had() {
    let world = World::start().await;
    let mut frames = Frames::open(&world).await;
    world.put("k", order(1)).await;
    // The poison record would take the other one with it.
    world.settled().await;
    world.put("k", poison()).await;
    let mut sums = std::collections::BTreeMap::new();
    let names = [
        "put",
        "processed",
        "discarded",
        "invocations",
        "errors",
        "misses",
        "storeReads",
    ];
    let expected = [2, 1, 1, 3, 2, 3, 3];
    let mut samples = Vec::new();
    while names
        .iter()
        .zip(expected)
        .any(|(name, most)| sums.get(name).copied().unwrap_or(0) < most)
    {
        let sample = frames.until("sample", |_| true).await;
        for name in names {
            *sums.entry(name).or_insert(0) += sample[name].as_u64().unwrap();
        }
        samples.push(sample);
    }
    let all: Vec<u64> = names.iter().map(|name| sums[name]).collect();
    assert_eq!(all, expected, "{names:?}");
    let last = samples.last().unwrap();
    assert_eq!(last["environments"], 1);
    assert!(last["memoryMiB"].as_u64().unwrap() > 0);
    let shard = &last["shards"][0];
    assert_eq!(shard["stream"], "orders");
    assert_eq!(shard["open"], true);
    assert!(
        samples
            .iter()
            .any(|sample| sample["invoke"]["p99"].as_f64().is_some())
    );

    let mut later = Frames::open(&world).await;
    let history = later.until("history", |_| true).await;
    assert!(history.as_array().unwrap().len() >= samples.len());
}

#[tokio::test]
async fn a_page_is_told_of_failures_and_faults_and_not_of_each_invocation_that_goes_well() {
    let world = World::start().await;
    let mut frames = Frames::open(&world).await;
    world.put("k", order(1)).await;
    let is_line = |logs: &Value| logs["lines"][0]["type"] == "log" && logs["skipped"] == 0;
    frames.until("logs", is_line).await;
    world.put("k", poison()).await;
    let plan = serde_json::json!({ "rules": [{ "fault": { "kind": "auth_failure" } }] });
    let plan = match world.ask(Method::PUT, "/_local/cache/faults", plan).await {
        (200, plan) => plan,
        (status, body) => panic!("{status}: {body}"),
    };
    assert_eq!(plan["rules"].as_array().unwrap().len(), 1);
    let mut events: Vec<Value> = Vec::new();
    let of = |events: &[Value], kind: &str| {
        let events = events.iter();
        events.filter(|event| event["type"] == kind).count()
    };
    while !["batchInvoked", "batchDiscarded", "faultsSet"]
        .iter()
        .all(|kind| of(&events, kind) > 0)
    {
        let more = frames.until("events", |_| true).await;
        events.extend(more.as_array().unwrap().iter().cloned());
    }
    for kind in ["log", "invocationStarted", "invocationEnded"] {
        assert_eq!(of(&events, kind), 0, "{kind}: {events:#?}");
    }
    let mut outcomes = events.iter().map(|event| &event["outcome"]);
    assert!(!outcomes.any(|outcome| outcome == "ok"), "{events:#?}");
}

fn is_told_of_faults(events: &Value) -> bool {
    let mut events = events.as_array().unwrap().iter();
    events.any(|event| event["type"] == "faultsSet")
}

#[tokio::test]
async fn a_page_is_told_of_what_happened_before_it_was_opened() {
    let world = World::start().await;
    // `klocal up` listens from its start, for the terminal.
    let _terminal = world.embedded.events.subscribe();
    world.embedded.events.publish(|| EventKind::FaultsSet {
        rules: vec!["latency=20ms".to_owned()],
    });
    for _ in ["a page", "the page, loaded again"] {
        let mut frames = Frames::open(&world).await;
        frames.until("events", is_told_of_faults).await;
    }
}

#[tokio::test]
async fn thousands_of_log_lines_push_no_event_out() {
    let world = World::start().await;
    let mut frames = Frames::open(&world).await;
    frames.until("hello", |_| true).await;
    for number in 0..1000 {
        world.embedded.events.publish(|| EventKind::Log {
            function: "work".to_owned(),
            environment: 1,
            text: number.to_string(),
        });
    }
    world.embedded.events.publish(|| EventKind::FaultsSet {
        rules: vec!["latency=20ms".to_owned()],
    });
    let is_whole_and_told = |events: &Value| {
        let mut all = events.as_array().unwrap().iter();
        assert!(all.all(|event| event["type"] != "dropped"), "{events}");
        is_told_of_faults(events)
    };
    frames.until("events", is_whole_and_told).await;
    let (mut lines, mut skipped) = (0, 0);
    while lines + skipped < 1000 {
        let logs = frames.until("logs", |_| true).await;
        lines += logs["lines"].as_array().unwrap().len() as u64;
        skipped += logs["skipped"].as_u64().unwrap();
    }
    assert!(lines >= 200 && skipped > 0, "{lines} and {skipped}");
}

#[tokio::test]
async fn the_stream_ends_with_the_environment() {
    let world = World::start().await;
    let mut frames = Frames::open(&world).await;
    frames.until("hello", |_| true).await;
    let World { embedded, .. } = world;
    let stopped = timeout(PATIENCE, embedded.shut_down());
    let ended = async { while frames.next().await.is_some() {} };
    let (stopped, ()) = tokio::join!(stopped, ended);
    stopped.unwrap();
}

#[tokio::test]
async fn a_page_that_reads_nothing_holds_nothing_up() {
    let world = World::start().await;
    let _unread = Frames::open(&world).await;
    for round in 0..20 {
        for number in 0..50 {
            world.put(&format!("{round}-{number}"), order(number)).await;
        }
    }
    let settled = timeout(PATIENCE, world.settled()).await;
    settled.unwrap();
}
