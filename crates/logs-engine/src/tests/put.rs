use serde_json::{Value, json};

use super::fixture::{Fixture, GROUP, START, messages};

const HOUR: u64 = 60 * 60 * 1000;

async fn with_stream() -> Fixture {
    let fixture = Fixture::new();
    fixture
        .get("CreateLogGroup", json!({ "logGroupName": GROUP }))
        .await;
    let stream = json!({ "logGroupName": GROUP, "logStreamName": "s" });
    fixture.get("CreateLogStream", stream).await;
    fixture
}

fn put(events: &[(u64, &str)]) -> Value {
    let events = events
        .iter()
        .map(|(timestamp, message)| json!({ "timestamp": timestamp, "message": message }));
    json!({
        "logGroupName": GROUP,
        "logStreamName": "s",
        "logEvents": events.collect::<Vec<_>>(),
    })
}

#[tokio::test(start_paused = true)]
async fn put_events_are_read_with_their_own_times() {
    let fixture = with_stream().await;
    let events = put(&[(START - 2000, "one"), (START - 1000, "two")]);
    let reply = fixture.get("PutLogEvents", events).await;
    assert!(reply.get("rejectedLogEventsInfo").is_none());
    let request = json!({ "logGroupName": GROUP, "logStreamName": "s" });
    let page = fixture.get("GetLogEvents", request).await;
    assert_eq!(messages(&page), ["one", "two"]);
    assert_eq!(page["events"][0]["timestamp"], START - 2000);
    assert_eq!(page["events"][0]["ingestionTime"], START);
}

#[tokio::test(start_paused = true)]
async fn events_too_old_or_too_new_are_rejected_by_index() {
    let fixture = with_stream().await;
    let new = put(&[(START, "kept"), (START + 3 * HOUR, "new")]);
    let reply = fixture.get("PutLogEvents", new).await;
    assert_eq!(
        reply["rejectedLogEventsInfo"],
        json!({ "tooNewLogEventStartIndex": 1 })
    );
    let limit = START - 14 * 24 * HOUR;
    let old = put(&[(limit - 1, "old"), (limit + 1, "kept too")]);
    let reply = fixture.get("PutLogEvents", old).await;
    assert_eq!(
        reply["rejectedLogEventsInfo"],
        json!({ "tooOldLogEventEndIndex": 1 })
    );
    let all = fixture
        .get("FilterLogEvents", json!({ "logGroupName": GROUP }))
        .await;
    assert_eq!(messages(&all), ["kept too", "kept"]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_beyond_a_limit_is_refused() {
    let fixture = with_stream().await;
    let large = "x".repeat(1024 * 1024);
    for (request, expected) in [
        (
            put(&[]),
            "1 validation error detected: Value '0' at 'logEvents'",
        ),
        (
            put(&[(START, "")]),
            "1 validation error detected: Value '' at 'logEvents.member.message'",
        ),
        (
            put(&[(START, &large)]),
            "Upload too large: 1048602 bytes exceeds limit of 1048576",
        ),
        (
            put(&[(START, "b"), (START - 1, "a")]),
            "Log events in a single PutLogEvents request must be in chronological order.",
        ),
        (
            put(&[(START - 25 * HOUR, "a"), (START, "b")]),
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
        ),
    ] {
        let (code, message) = fixture.refused("PutLogEvents", request).await;
        assert_eq!(code, "InvalidParameterException");
        assert!(message.starts_with(expected), "{message}");
    }
    let name = json!({ "logGroupName": GROUP, "logStreamName": "a:b" });
    let (code, _) = fixture.refused("CreateLogStream", name).await;
    assert_eq!(code, "InvalidParameterException");
}
