use std::time::Duration;

use aws_wire::service::{Call, Service};
use axum_core::body::Body;
use http::HeaderMap;
use http_body_util::BodyExt;
use serde_json::{Value, json};

use super::fixture::{Fixture, GROUP};

/// The type and the JSON payload of an event-stream message.
fn parse(message: &[u8]) -> (String, Value) {
    let number = |at: usize| u32::from_be_bytes(message[at..at + 4].try_into().unwrap()) as usize;
    let (total, headers) = (number(0), number(4));
    assert_eq!(total, message.len());
    let head = String::from_utf8_lossy(&message[12..12 + headers]).into_owned();
    let kind = ["initial-response", "sessionStart", "sessionUpdate"];
    let kind = kind.into_iter().find(|kind| head.contains(kind)).unwrap();
    let payload = serde_json::from_slice(&message[12 + headers..total - 4]).unwrap();
    (kind.to_owned(), payload)
}

async fn tail(fixture: &Fixture, request: Value) -> Body {
    let call = Call::new("StartLiveTail", HeaderMap::new(), request.to_string());
    let reply = fixture.logs.call(call).await.unwrap();
    assert_eq!(
        reply.headers()["content-type"],
        "application/vnd.amazon.eventstream"
    );
    let mut body = reply.into_body();
    assert_eq!(next(&mut body).await.0, "initial-response");
    assert_eq!(next(&mut body).await.0, "sessionStart");
    body
}

async fn next(body: &mut Body) -> (String, Value) {
    let frame = body.frame().await.unwrap().unwrap();
    parse(&frame.into_data().unwrap())
}

/// The messages of the next update that has any.
async fn update(body: &mut Body) -> Vec<String> {
    loop {
        let (kind, update) = next(body).await;
        assert_eq!(kind, "sessionUpdate");
        let results = update["sessionResults"].as_array().unwrap();
        if !results.is_empty() {
            let messages = results
                .iter()
                .map(|event| event["message"].as_str().unwrap());
            return messages.map(str::to_owned).collect();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_live_tail_shows_what_arrives_after_its_start_and_matches() {
    let fixture = Fixture::new();
    let writer = fixture.logs.writer(GROUP, "s");
    writer.write("ERROR before");
    let arn = format!("arn:aws:logs:us-east-1:000000000000:log-group:{GROUP}");
    let request = json!({ "logGroupIdentifiers": [arn], "logEventFilterPattern": "ERROR" });
    let mut body = tail(&fixture, request).await;
    // Without events an update follows each second.
    assert_eq!(next(&mut body).await.1["sessionResults"], json!([]));
    writer.write("ok");
    writer.write("ERROR 1");
    // Streams that begin later are shown too.
    fixture.logs.writer(GROUP, "t").write("ERROR 2");
    assert_eq!(update(&mut body).await, ["ERROR 1", "ERROR 2"]);
    for number in 0..600 {
        writer.write(&format!("ERROR {number}"));
    }
    assert_eq!(update(&mut body).await.len(), 500);
    assert_eq!(update(&mut body).await.len(), 100);
}

#[tokio::test(start_paused = true)]
async fn a_live_tail_ends_after_three_hours() {
    let fixture = Fixture::new();
    fixture.logs.create_group(GROUP);
    let mut body = tail(&fixture, json!({ "logGroupIdentifiers": [GROUP] })).await;
    let began = tokio::time::Instant::now();
    while body.frame().await.is_some() {}
    assert_eq!(began.elapsed(), Duration::from_hours(3));
}

#[tokio::test(start_paused = true)]
async fn a_live_tail_of_an_unknown_group_is_refused() {
    let fixture = Fixture::new();
    let request = json!({ "logGroupIdentifiers": ["none"] });
    let (code, _) = fixture.refused("StartLiveTail", request).await;
    assert_eq!(code, "ResourceNotFoundException");
}
