use std::time::Duration;

use serde_json::{Value, json};

use super::fixture::{Fixture, GROUP, START, messages};

fn names(reply: &Value, list: &str, name: &str) -> Vec<String> {
    let list = reply[list].as_array().unwrap().iter();
    list.map(|one| one[name].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn groups_are_created_described_in_pages_and_deleted() {
    let fixture = Fixture::new();
    for name in ["/aws/lambda/b", "/aws/lambda/a", "other"] {
        let request = json!({ "logGroupName": name, "tags": { "team": "x" } });
        fixture.get("CreateLogGroup", request).await;
    }
    let (code, _) = fixture
        .refused("CreateLogGroup", json!({ "logGroupName": "other" }))
        .await;
    assert_eq!(code, "ResourceAlreadyExistsException");

    let request = json!({ "logGroupNamePrefix": "/aws/lambda/", "limit": 1 });
    let page = fixture.get("DescribeLogGroups", request).await;
    assert_eq!(names(&page, "logGroups", "logGroupName"), ["/aws/lambda/a"]);
    let group = &page["logGroups"][0];
    let arn = "arn:aws:logs:us-east-1:000000000000:log-group:/aws/lambda/a";
    assert_eq!(group["arn"], format!("{arn}:*"));
    assert_eq!(group["logGroupArn"], arn);
    assert_eq!(group["creationTime"], START);
    let request =
        json!({ "logGroupNamePrefix": "/aws/lambda/", "limit": 1, "nextToken": page["nextToken"] });
    let page = fixture.get("DescribeLogGroups", request).await;
    assert_eq!(names(&page, "logGroups", "logGroupName"), ["/aws/lambda/b"]);
    assert!(page.get("nextToken").is_none());
    let request = json!({ "logGroupNamePattern": "LAMBDA" });
    let page = fixture.get("DescribeLogGroups", request).await;
    assert_eq!(page["logGroups"].as_array().unwrap().len(), 2);

    let tags = fixture
        .get("ListTagsForResource", json!({ "resourceArn": arn }))
        .await;
    assert_eq!(tags["tags"], json!({ "team": "x" }));

    fixture
        .get("DeleteLogGroup", json!({ "logGroupName": "other" }))
        .await;
    let (code, message) = fixture
        .refused("DeleteLogGroup", json!({ "logGroupName": "other" }))
        .await;
    assert_eq!(code, "ResourceNotFoundException");
    assert_eq!(message, "The specified log group does not exist.");
}

#[tokio::test(start_paused = true)]
async fn streams_are_ordered_by_name_or_by_their_last_event() {
    let fixture = Fixture::new();
    let writers = ["b", "c", "a"].map(|stream| {
        let writer = fixture.logs.writer(GROUP, stream);
        writer.write("hello");
        fixture.clock.advance(Duration::from_secs(1));
        writer
    });
    let describe = async |more: Value| {
        let mut request = json!({ "logGroupName": GROUP });
        request
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        fixture.get("DescribeLogStreams", request).await
    };
    let by_name = describe(json!({})).await;
    assert_eq!(
        names(&by_name, "logStreams", "logStreamName"),
        ["a", "b", "c"]
    );
    let stream = &by_name["logStreams"][1];
    for member in [
        "creationTime",
        "firstEventTimestamp",
        "lastEventTimestamp",
        "lastIngestionTime",
    ] {
        assert_eq!(stream[member], START, "{member}");
    }
    let latest = describe(json!({ "orderBy": "LastEventTime", "descending": true })).await;
    assert_eq!(
        names(&latest, "logStreams", "logStreamName"),
        ["a", "c", "b"]
    );
    let prefix = describe(json!({ "logStreamNamePrefix": "b" })).await;
    assert_eq!(names(&prefix, "logStreams", "logStreamName"), ["b"]);
    let both =
        json!({ "logGroupName": GROUP, "orderBy": "LastEventTime", "logStreamNamePrefix": "b" });
    let (code, _) = fixture.refused("DescribeLogStreams", both).await;
    assert_eq!(code, "InvalidParameterException");
    drop(writers);
}

#[tokio::test(start_paused = true)]
async fn retention_hides_events_as_the_clock_advances() {
    let fixture = Fixture::new();
    let writer = fixture.logs.writer(GROUP, "s");
    writer.write("old");
    let policy = json!({ "logGroupName": GROUP, "retentionInDays": 1 });
    fixture.get("PutRetentionPolicy", policy).await;
    fixture.clock.advance(Duration::from_hours(25));
    writer.write("new");
    let filter = json!({ "logGroupName": GROUP });
    let found = fixture.get("FilterLogEvents", filter.clone()).await;
    assert_eq!(messages(&found), ["new"]);
    fixture
        .get("DeleteRetentionPolicy", json!({ "logGroupName": GROUP }))
        .await;
    let found = fixture.get("FilterLogEvents", filter).await;
    assert_eq!(messages(&found), ["old", "new"]);
    let wrong = json!({ "logGroupName": GROUP, "retentionInDays": 2 });
    let (code, message) = fixture.refused("PutRetentionPolicy", wrong).await;
    assert_eq!(code, "InvalidParameterException");
    assert!(
        message.contains("satisfy enum value set: [1, 3, 5"),
        "{message}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_writer_makes_a_deleted_group_again() {
    let fixture = Fixture::new();
    let writer = fixture.logs.writer(GROUP, "s");
    writer.write("before");
    fixture
        .get("DeleteLogGroup", json!({ "logGroupName": GROUP }))
        .await;
    writer.write("after");
    let found = fixture
        .get("FilterLogEvents", json!({ "logGroupName": GROUP }))
        .await;
    assert_eq!(messages(&found), ["after"]);
}
