use serde_json::json;

use super::fixture::{Fixture, GROUP, messages};

#[tokio::test(start_paused = true)]
async fn the_oldest_events_are_dropped_whatever_their_stream() {
    let fixture = Fixture::with(|options| options.max_bytes = 1024 * 1024);
    let first = fixture.logs.writer(GROUP, "first");
    let second = fixture.logs.writer(GROUP, "second");
    for number in 0..10_000 {
        first.write(&format!("first {number} {}", "x".repeat(90)));
    }
    drop(first);
    for number in 0..100_000 {
        second.write(&format!("second {number} {}", "x".repeat(90)));
        assert!(fixture.logs.memory() <= 1024 * 1024);
    }
    // A stream that has ended and has no events left is gone.
    let streams = json!({ "logGroupName": GROUP });
    let streams = fixture.get("DescribeLogStreams", streams).await;
    let streams = streams["logStreams"].as_array().unwrap();
    assert_eq!(streams.len(), 1);
    assert_eq!(streams[0]["logStreamName"], "second");
    let last = json!({ "logGroupName": GROUP, "logStreamName": "second", "limit": 1 });
    let last = fixture.get("GetLogEvents", last).await;
    assert!(messages(&last)[0].starts_with("second 99999 "));
    let kept = json!({ "logGroupName": GROUP, "filterPattern": "second" });
    let kept = fixture.get("FilterLogEvents", kept).await;
    // Not the first ones, and the chunks that follow each other.
    let first = messages(&kept)[0].split(' ').nth(1).unwrap().parse::<u32>();
    assert!((80_000..99_000).contains(&first.unwrap()));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_written_to_stays_when_its_events_are_dropped() {
    let fixture = Fixture::with(|options| options.max_bytes = 200 * 1024);
    let quiet = fixture.logs.writer(GROUP, "quiet");
    quiet.write("one");
    let loud = fixture.logs.writer(GROUP, "loud");
    for _ in 0..10_000 {
        loud.write(&"x".repeat(100));
    }
    quiet.write("two");
    let events = json!({ "logGroupName": GROUP, "logStreamName": "quiet" });
    let events = fixture.get("GetLogEvents", events).await;
    assert_eq!(messages(&events), ["one", "two"]);
}
