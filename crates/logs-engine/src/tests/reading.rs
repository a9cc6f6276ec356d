use std::time::Duration;

use serde_json::{Value, json};

use super::fixture::{Fixture, GROUP, START, messages};

/// A stream with ten events, a second apart.
fn ten() -> Fixture {
    let fixture = Fixture::new();
    let writer = fixture.logs.writer(GROUP, "s");
    for number in 0..10 {
        writer.write(&format!("line {number}\n"));
        fixture.clock.advance(Duration::from_secs(1));
    }
    fixture
}

fn get(more: &Value) -> Value {
    let mut request = json!({ "logGroupName": GROUP, "logStreamName": "s" });
    let members = more.as_object().unwrap().clone();
    request.as_object_mut().unwrap().extend(members);
    request
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_read_forwards_from_its_head_until_the_token_stays() {
    let fixture = ten();
    let mut seen = Vec::new();
    let mut request = json!({ "startFromHead": true, "limit": 4 });
    loop {
        let page = fixture.get("GetLogEvents", get(&request)).await;
        seen.extend(messages(&page).into_iter().map(str::to_owned));
        if page["nextForwardToken"] == request["nextToken"] {
            break;
        }
        request["nextToken"] = page["nextForwardToken"].clone();
    }
    let expected: Vec<_> = (0..10).map(|number| format!("line {number}\n")).collect();
    assert_eq!(seen, expected);
    // What arrives later is found with the same token.
    fixture.logs.writer(GROUP, "s").write("later\n");
    let page = fixture.get("GetLogEvents", get(&request)).await;
    assert_eq!(messages(&page), ["later\n"]);
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_read_backwards_from_its_end() {
    let fixture = ten();
    let page = fixture
        .get("GetLogEvents", get(&json!({ "limit": 3 })))
        .await;
    assert_eq!(messages(&page), ["line 7\n", "line 8\n", "line 9\n"]);
    let event = &page["events"][0];
    assert_eq!(event["timestamp"], START + 7000);
    assert_eq!(event["ingestionTime"], START + 7000);
    let back = json!({ "limit": 3, "nextToken": page["nextBackwardToken"] });
    let page = fixture.get("GetLogEvents", get(&back)).await;
    assert_eq!(messages(&page), ["line 4\n", "line 5\n", "line 6\n"]);
    let forth = json!({ "limit": 3, "nextToken": page["nextForwardToken"] });
    let page = fixture.get("GetLogEvents", get(&forth)).await;
    assert_eq!(messages(&page), ["line 7\n", "line 8\n", "line 9\n"]);
}

#[tokio::test(start_paused = true)]
async fn the_end_time_is_excluded_by_get_and_included_by_filter() {
    let fixture = ten();
    let times = json!({ "startTime": START + 2000, "endTime": START + 4000 });
    let page = fixture.get("GetLogEvents", get(&times)).await;
    assert_eq!(messages(&page), ["line 2\n", "line 3\n"]);
    let filter =
        json!({ "logGroupName": GROUP, "startTime": START + 2000, "endTime": START + 4000 });
    let page = fixture.get("FilterLogEvents", filter).await;
    assert_eq!(messages(&page), ["line 2\n", "line 3\n", "line 4\n"]);
}

#[tokio::test(start_paused = true)]
async fn filter_merges_streams_by_time_in_pages() {
    let fixture = Fixture::new();
    let writers = ["a", "b", "c"].map(|stream| fixture.logs.writer(GROUP, stream));
    let mut expected = Vec::new();
    for number in 0..3000_usize {
        let message = format!("{number} {}", if number % 3 == 0 { "ERROR" } else { "ok" });
        writers[number * 7 % 3].write(&message);
        if number % 3 == 0 {
            expected.push(message);
        }
        fixture.clock.advance(Duration::from_millis(1));
    }
    let mut request = json!({ "logGroupName": GROUP, "filterPattern": "ERROR", "limit": 300 });
    let (mut seen, mut ids) = (Vec::new(), std::collections::BTreeSet::new());
    loop {
        let page = fixture.get("FilterLogEvents", request.clone()).await;
        seen.extend(messages(&page).into_iter().map(str::to_owned));
        for event in page["events"].as_array().unwrap() {
            assert!(ids.insert(event["eventId"].as_str().unwrap().to_owned()));
        }
        match page.get("nextToken") {
            Some(token) => request["nextToken"] = token.clone(),
            None => break,
        }
    }
    assert_eq!(seen, expected);
}

#[tokio::test(start_paused = true)]
async fn a_page_has_at_most_one_megabyte() {
    let fixture = Fixture::new();
    let writer = fixture.logs.writer(GROUP, "s");
    for number in 0..50 {
        writer.write(&format!("{number:03}{}", "x".repeat(100_000)));
    }
    let mut request = json!({ "logGroupName": GROUP });
    let mut seen = Vec::new();
    loop {
        let page = fixture.get("FilterLogEvents", request.clone()).await;
        let found = messages(&page);
        assert!(found.iter().map(|message| message.len()).sum::<usize>() <= 1024 * 1024);
        seen.extend(found.iter().map(|message| message[..3].to_owned()));
        match page.get("nextToken") {
            Some(token) => request["nextToken"] = token.clone(),
            None => break,
        }
    }
    let expected: Vec<_> = (0..50).map(|number| format!("{number:03}")).collect();
    assert_eq!(seen, expected);
    let page = fixture.get("GetLogEvents", get(&json!({}))).await;
    assert_eq!(messages(&page).len(), 10);
}

#[tokio::test(start_paused = true)]
async fn filter_selects_streams_by_name_or_prefix() {
    let fixture = Fixture::new();
    for stream in ["2026/a", "2026/b", "2027/c"] {
        fixture.logs.writer(GROUP, stream).write(stream);
    }
    let ask = async |member: &str, value: Value| {
        let request = json!({ "logGroupName": GROUP, member: value });
        fixture.get("FilterLogEvents", request).await
    };
    let page = ask("logStreamNamePrefix", json!("2026/")).await;
    assert_eq!(messages(&page), ["2026/a", "2026/b"]);
    let page = ask("logStreamNames", json!(["2027/c"])).await;
    assert_eq!(messages(&page), ["2027/c"]);
    let request = json!({ "logGroupName": GROUP, "logStreamNames": ["none"] });
    let (code, message) = fixture.refused("FilterLogEvents", request).await;
    assert_eq!(code, "ResourceNotFoundException");
    assert_eq!(message, "The specified log stream does not exist.");
}

#[tokio::test(start_paused = true)]
async fn invalid_patterns_and_tokens_are_refused() {
    let fixture = ten();
    for (operation, request, expected) in [
        (
            "FilterLogEvents",
            json!({ "logGroupName": GROUP, "filterPattern": "{ $.a }" }),
            "Invalid filter pattern: an operator is expected",
        ),
        (
            "FilterLogEvents",
            json!({ "logGroupName": GROUP, "nextToken": "x" }),
            "The specified nextToken is invalid.",
        ),
        (
            "GetLogEvents",
            get(&json!({ "nextToken": "x/1" })),
            "The specified nextToken is invalid.",
        ),
        (
            "DescribeLogStreams",
            json!({}),
            "Exactly one of logGroupName or logGroupIdentifier",
        ),
    ] {
        let (code, message) = fixture.refused(operation, request).await;
        assert_eq!(code, "InvalidParameterException");
        assert!(message.starts_with(expected), "{message}");
    }
}
