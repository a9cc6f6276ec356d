use std::time::Duration;

use serde_json::json;

use super::fixture::{Fixture, counts, receive, send, url};
use crate::{Receive, SendMessage, error::Code};

#[tokio::test]
async fn a_message_comes_back_with_what_was_sent_and_what_was_asked_for() {
    let fixture = Fixture::new().await;
    fixture.queue("orders", &[]).await;
    let message = json!({
        "QueueUrl": url("orders"),
        "MessageBody": "hello",
        "MessageAttributes": {
            "one": {"DataType": "String", "StringValue": "a"},
            "two": {"DataType": "Binary", "BinaryValue": "AQID"},
            "bar.x": {"DataType": "Number.int", "StringValue": "1"},
        },
        "MessageSystemAttributes": {"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-5759e988-bd862e3fe1be46a994272793"}},
    });
    let sent = fixture.ok("SendMessage", message).await;
    assert_eq!(sent["MD5OfMessageBody"], "5d41402abc4b2a76b9719d911017c592");
    assert!(sent["MD5OfMessageAttributes"].is_string());
    assert!(sent["MD5OfMessageSystemAttributes"].is_string());
    let request = json!({
        "QueueUrl": url("orders"),
        "MessageSystemAttributeNames": ["All"],
        "MessageAttributeNames": ["one", "bar.*"],
    });
    let reply = fixture.ok("ReceiveMessage", request).await;
    let received = &reply["Messages"][0];
    assert_eq!(received["MessageId"], sent["MessageId"]);
    assert_eq!(received["Body"], "hello");
    assert_eq!(received["MD5OfBody"], sent["MD5OfMessageBody"]);
    let names: Vec<_> = received["MessageAttributes"]
        .as_object()
        .unwrap()
        .keys()
        .collect();
    assert_eq!(names, ["bar.x", "one"]);
    assert_ne!(
        received["MD5OfMessageAttributes"],
        sent["MD5OfMessageAttributes"]
    );
    let attributes = &received["Attributes"];
    assert_eq!(attributes["ApproximateReceiveCount"], "1");
    assert_eq!(attributes["SenderId"], "000000000000");
    assert!(
        attributes["AWSTraceHeader"]
            .as_str()
            .unwrap()
            .starts_with("Root=")
    );
    assert!(attributes.get("SequenceNumber").is_none());
}

#[tokio::test]
async fn all_attributes_have_the_digest_of_the_send() {
    let fixture = Fixture::new().await;
    fixture.queue("orders", &[]).await;
    let message = json!({
        "QueueUrl": url("orders"),
        "MessageBody": "hello",
        "MessageAttributes": {"one": {"DataType": "String", "StringValue": "a"}, "two": {"DataType": "Binary", "BinaryValue": "AQID"}},
    });
    let sent = fixture.ok("SendMessage", message).await;
    for all in ["All", ".*"] {
        let request = json!({"QueueUrl": url("orders"), "MessageAttributeNames": [all], "VisibilityTimeout": 0});
        let reply = fixture.ok("ReceiveMessage", request).await;
        let received = &reply["Messages"][0];
        assert_eq!(
            received["MD5OfMessageAttributes"],
            sent["MD5OfMessageAttributes"]
        );
        assert_eq!(received["MessageAttributes"]["two"]["BinaryValue"], "AQID");
        assert!(received.get("Attributes").is_none());
    }
}

#[tokio::test]
async fn a_message_that_breaks_a_rule_is_refused() {
    let fixture = Fixture::new().await;
    fixture
        .queue("orders", &[("MaximumMessageSize", "1024")])
        .await;
    let attribute = |name: &str, kind: &str, value: &str| json!({name: {"DataType": kind, "StringValue": value}});
    let eleven: serde_json::Map<_, _> = (0..11)
        .map(|n| {
            (
                n.to_string(),
                json!({"DataType": "String", "StringValue": "x"}),
            )
        })
        .collect();
    for (changes, code) in [
        (json!({"MessageBody": ""}), "MissingParameter"),
        (json!({"MessageBody": null}), "MissingParameter"),
        (json!({"MessageBody": "\u{0}"}), "InvalidMessageContents"),
        (
            json!({"MessageBody": "x".repeat(1025)}),
            "InvalidParameterValue",
        ),
        (json!({"DelaySeconds": 901}), "InvalidParameterValue"),
        (json!({"DelaySeconds": -1}), "InvalidParameterValue"),
        (
            json!({"MessageDeduplicationId": "1"}),
            "InvalidParameterValue",
        ),
        (
            json!({"MessageGroupId": "with space"}),
            "InvalidParameterValue",
        ),
        (
            json!({"MessageAttributes": attribute("AWS.x", "String", "x")}),
            "InvalidParameterValue",
        ),
        (
            json!({"MessageAttributes": attribute(".x", "String", "x")}),
            "InvalidParameterValue",
        ),
        (
            json!({"MessageAttributes": attribute("a..b", "String", "x")}),
            "InvalidParameterValue",
        ),
        (
            json!({"MessageAttributes": attribute("a b", "String", "x")}),
            "InvalidParameterValue",
        ),
        (
            json!({"MessageAttributes": attribute("a", "Text", "x")}),
            "InvalidParameterValue",
        ),
        (
            json!({"MessageAttributes": attribute("a", "Number", "x")}),
            "InvalidParameterValue",
        ),
        (
            json!({"MessageAttributes": attribute("a", "String", "")}),
            "InvalidParameterValue",
        ),
        (
            json!({"MessageAttributes": attribute("a", "Binary", "x")}),
            "InvalidParameterValue",
        ),
        // Attributes count towards the size.
        (
            json!({"MessageBody": "x".repeat(1020), "MessageAttributes": attribute("a", "String", "x")}),
            "InvalidParameterValue",
        ),
        (
            json!({"MessageAttributes": eleven}),
            "InvalidParameterValue",
        ),
        (
            json!({"MessageSystemAttributes": attribute("Other", "String", "x")}),
            "InvalidParameterValue",
        ),
    ] {
        let mut request = json!({"QueueUrl": url("orders"), "MessageBody": "x"});
        for (name, value) in changes.as_object().unwrap() {
            request[name] = value.clone();
        }
        let refused = fixture.refused("SendMessage", request).await;
        assert_eq!(refused, code, "{changes}");
    }
    let group = json!({"QueueUrl": url("orders"), "MessageBody": "x", "MessageGroupId": "tenant"});
    fixture.ok("SendMessage", group).await;
}

#[tokio::test]
async fn a_body_of_one_mebibyte_fits_and_one_more_byte_does_not() {
    let fixture = Fixture::new().await;
    let queue = fixture.queue("orders", &[]).await;
    let largest = "x".repeat(1_048_576);
    queue.send(SendMessage::new(largest.clone())).await.unwrap();
    let error = queue
        .send(SendMessage::new(largest + "x"))
        .await
        .unwrap_err();
    assert_eq!(error.code, Code::InvalidParameterValue);
}

#[tokio::test]
async fn the_entries_of_a_batch_succeed_and_fail_alone() {
    let fixture = Fixture::new().await;
    let queue = fixture.queue("orders", &[]).await;
    let entries = json!([
        {"Id": "a", "MessageBody": "one"},
        {"Id": "b", "MessageBody": ""},
        {"Id": "c", "MessageBody": "three", "DelaySeconds": 1000},
        {"Id": "d", "MessageBody": "four"},
    ]);
    let reply = fixture
        .ok(
            "SendMessageBatch",
            json!({"QueueUrl": url("orders"), "Entries": entries}),
        )
        .await;
    let ids = |entries: &serde_json::Value| {
        let mut ids: Vec<_> = entries
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["Id"].as_str().unwrap().to_owned())
            .collect();
        ids.sort();
        ids
    };
    assert_eq!(ids(&reply["Successful"]), ["a", "d"]);
    assert_eq!(ids(&reply["Failed"]), ["b", "c"]);
    assert_eq!(reply["Failed"][0]["SenderFault"], true);
    let received = receive(&queue).await;
    let handle = |n: usize| received[n].receipt_handle.clone();
    let entries = json!([
        {"Id": "1", "ReceiptHandle": handle(0)},
        {"Id": "2", "ReceiptHandle": "none"},
        {"Id": "3"},
    ]);
    let reply = fixture
        .ok(
            "DeleteMessageBatch",
            json!({"QueueUrl": url("orders"), "Entries": entries}),
        )
        .await;
    assert_eq!(reply["Successful"], json!([{"Id": "1"}]));
    assert_eq!(reply["Failed"][0]["Code"], "ReceiptHandleIsInvalid");
    assert_eq!(reply["Failed"][1]["Code"], "MissingParameter");
    let entries = json!([
        {"Id": "1", "ReceiptHandle": handle(0), "VisibilityTimeout": 0},
        {"Id": "2", "ReceiptHandle": handle(1), "VisibilityTimeout": 0},
        {"Id": "3", "ReceiptHandle": handle(1), "VisibilityTimeout": 43201},
    ]);
    let reply = fixture
        .ok(
            "ChangeMessageVisibilityBatch",
            json!({"QueueUrl": url("orders"), "Entries": entries}),
        )
        .await;
    assert_eq!(reply["Successful"], json!([{"Id": "2"}]));
    assert_eq!(counts(&queue), (1, 0, 0));
}

#[tokio::test]
async fn a_batch_that_breaks_a_rule_is_refused_as_a_whole() {
    let fixture = Fixture::new().await;
    let queue = fixture.queue("orders", &[]).await;
    let entry = |id: String| json!({"Id": id, "MessageBody": "x"});
    let large = |id: &str| json!({"Id": id, "MessageBody": "x".repeat(600_000)});
    for (entries, code) in [
        (json!([]), "EmptyBatchRequest"),
        (
            json!((0..11).map(|n| entry(n.to_string())).collect::<Vec<_>>()),
            "TooManyEntriesInBatchRequest",
        ),
        (
            json!([entry("a".into()), entry("a".into())]),
            "BatchEntryIdsNotDistinct",
        ),
        (
            json!([entry("no space".into()), entry("a b".into())]),
            "InvalidBatchEntryId",
        ),
        (json!([entry("x".repeat(81))]), "InvalidBatchEntryId"),
        (json!([large("a"), large("b")]), "BatchRequestTooLong"),
    ] {
        let request = json!({"QueueUrl": url("orders"), "Entries": entries});
        let refused = fixture.refused("SendMessageBatch", request).await;
        assert_eq!(refused, format!("AWS.SimpleQueueService.{code}"));
    }
    assert_eq!(counts(&queue), (0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_delayed_message_is_invisible_until_its_delay_has_passed() {
    let fixture = Fixture::new().await;
    let queue = fixture.queue("orders", &[("DelaySeconds", "10")]).await;
    send(&queue, &["the queue's delay"]).await;
    let now = SendMessage {
        delay: Some(Duration::ZERO),
        ..SendMessage::new("at once")
    };
    queue.send(now).await.unwrap();
    assert_eq!(counts(&queue), (1, 1, 0));
    fixture.advance(9);
    assert_eq!(receive(&queue).await.len(), 1);
    fixture.advance(1);
    assert_eq!(receive(&queue).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn messages_are_dropped_after_their_retention_also_when_it_is_shortened() {
    let fixture = Fixture::new().await;
    let queue = fixture
        .queue("orders", &[("MessageRetentionPeriod", "600")])
        .await;
    send(&queue, &["old"]).await;
    fixture.advance(300);
    send(&queue, &["new"]).await;
    fixture.advance(299);
    assert_eq!(counts(&queue), (2, 0, 0));
    fixture.advance(1);
    assert_eq!(counts(&queue), (1, 0, 0));
    let shorter = super::fixture::map(&[("MessageRetentionPeriod", "60")]);
    queue.set_attributes(&shorter).await.unwrap();
    assert_eq!(counts(&queue), (0, 0, 0));
}

#[tokio::test]
async fn a_purge_deletes_messages_in_every_state() {
    let fixture = Fixture::new().await;
    let queue = fixture.queue("orders", &[]).await;
    send(&queue, &["a", "b"]).await;
    let one = queue.receive(&Receive::default()).await.unwrap();
    let delayed = SendMessage {
        delay: Some(Duration::from_secs(5)),
        ..SendMessage::new("c")
    };
    queue.send(delayed).await.unwrap();
    assert_eq!(counts(&queue), (1, 1, 1));
    queue.purge().await.unwrap();
    assert_eq!(counts(&queue), (0, 0, 0));
    queue.delete(&one[0].receipt_handle).await.unwrap();
    send(&queue, &["d"]).await;
    assert_eq!(receive(&queue).await.len(), 1);
}

#[tokio::test]
async fn permissions_are_refused_with_the_reason() {
    let fixture = Fixture::new().await;
    fixture.queue("orders", &[]).await;
    let request =
        json!({"QueueUrl": url("orders"), "Label": "x", "AWSAccountIds": [], "Actions": []});
    let (_, _, body) = fixture.call("AddPermission", request).await;
    assert_eq!(body["__type"], "com.amazonaws.sqs#UnsupportedOperation");
    assert!(
        body["message"]
            .as_str()
            .unwrap()
            .contains("every caller may use every queue"),
        "{body}"
    );
}
