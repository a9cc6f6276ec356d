use serde_json::json;

use super::fixture::{Fixture, map, send, url};
use crate::{Options, SendMessage, error::Code};

#[tokio::test]
async fn creating_a_queue_again_finds_it_unless_an_attribute_differs() {
    let fixture = Fixture::new().await;
    let create = |timeout: &str| json!({"QueueName": "orders", "Attributes": {"VisibilityTimeout": timeout}});
    let first = fixture.ok("CreateQueue", create("60")).await;
    assert_eq!(first["QueueUrl"], url("orders"));
    for same in [create("60"), json!({"QueueName": "orders"})] {
        assert_eq!(fixture.ok("CreateQueue", same).await, first);
    }
    let code = fixture.refused("CreateQueue", create("61")).await;
    assert_eq!(code, "QueueAlreadyExists");
}

#[tokio::test]
async fn names_have_the_characters_of_the_reference_and_fifo_s_suffix() {
    let fixture = Fixture::new().await;
    let fifo = json!({"FifoQueue": "true"});
    for (name, attributes) in [
        ("no spaces", json!({})),
        ("", json!({})),
        (&*"x".repeat(81), json!({})),
        ("orders.fifo", json!({})),
        ("orders", fifo.clone()),
        (".fifo", fifo.clone()),
    ] {
        let request = json!({"QueueName": name, "Attributes": attributes});
        let code = fixture.refused("CreateQueue", request).await;
        assert_eq!(code, "InvalidParameterValue", "{name}");
    }
    let name = "x".repeat(80);
    fixture.ok("CreateQueue", json!({"QueueName": name})).await;
    let request = json!({"QueueName": "orders.fifo", "Attributes": fifo});
    fixture.ok("CreateQueue", request).await;
}

#[tokio::test(start_paused = true)]
async fn all_attributes_are_shown_with_their_defaults() {
    let fixture = Fixture::new().await;
    fixture.queue("orders", &[]).await;
    let all = json!({"QueueUrl": url("orders"), "AttributeNames": ["All"]});
    let reply = fixture.ok("GetQueueAttributes", all).await;
    let created = (fixture.clock.millis() / 1000).to_string();
    let expected = json!({
        "ApproximateNumberOfMessages": "0",
        "ApproximateNumberOfMessagesDelayed": "0",
        "ApproximateNumberOfMessagesNotVisible": "0",
        "CreatedTimestamp": created,
        "DelaySeconds": "0",
        "LastModifiedTimestamp": created,
        "MaximumMessageSize": "1048576",
        "MessageRetentionPeriod": "345600",
        "QueueArn": "arn:aws:sqs:us-east-1:000000000000:orders",
        "ReceiveMessageWaitTimeSeconds": "0",
        "SqsManagedSseEnabled": "true",
        "VisibilityTimeout": "30",
    });
    assert_eq!(reply["Attributes"], expected);
    let some = json!({"QueueUrl": url("orders"), "AttributeNames": ["QueueArn"]});
    let reply = fixture.ok("GetQueueAttributes", some).await;
    assert_eq!(reply["Attributes"].as_object().unwrap().len(), 1);
    let none = fixture
        .ok("GetQueueAttributes", json!({"QueueUrl": url("orders")}))
        .await;
    assert_eq!(none, json!({}));
    let unknown = json!({"QueueUrl": url("orders"), "AttributeNames": ["Colour"]});
    let code = fixture.refused("GetQueueAttributes", unknown).await;
    assert_eq!(code, "InvalidAttributeName");
}

#[tokio::test]
async fn attributes_keep_their_ranges() {
    let fixture = Fixture::new().await;
    fixture.queue("orders", &[]).await;
    for (name, value, code) in [
        ("VisibilityTimeout", "43201", "InvalidAttributeValue"),
        ("VisibilityTimeout", "-1", "InvalidAttributeValue"),
        ("DelaySeconds", "901", "InvalidAttributeValue"),
        ("MaximumMessageSize", "1023", "InvalidAttributeValue"),
        ("MaximumMessageSize", "1048577", "InvalidAttributeValue"),
        ("MessageRetentionPeriod", "59", "InvalidAttributeValue"),
        (
            "ReceiveMessageWaitTimeSeconds",
            "21",
            "InvalidAttributeValue",
        ),
        ("FifoQueue", "true", "InvalidAttributeValue"),
        ("ContentBasedDeduplication", "true", "InvalidAttributeName"),
        ("QueueArn", "arn", "InvalidAttributeName"),
        ("Colour", "red", "InvalidAttributeName"),
        ("RedrivePolicy", "no JSON", "InvalidParameterValue"),
    ] {
        let request = json!({"QueueUrl": url("orders"), "Attributes": {name: value}});
        let refused = fixture.refused("SetQueueAttributes", request).await;
        assert_eq!(refused, code, "{name}={value}");
    }
}

#[tokio::test]
async fn a_deleted_queue_is_gone_and_its_handle_does_not_reach_the_next_one() {
    let fixture = Fixture::new().await;
    let queue = fixture.queue("orders", &[]).await;
    send(&queue, &["lost"]).await;
    fixture
        .ok("DeleteQueue", json!({"QueueUrl": url("orders")}))
        .await;
    let code = fixture
        .refused("GetQueueUrl", json!({"QueueName": "orders"}))
        .await;
    assert_eq!(code, "AWS.SimpleQueueService.NonExistentQueue");
    assert!(fixture.sqs.queue("orders").is_none());

    let next = fixture.queue("orders", &[]).await;
    assert_eq!(super::fixture::counts(&next), (0, 0, 0));
    let error = queue.send(SendMessage::new("late")).await.unwrap_err();
    assert_eq!(error.code, Code::QueueDoesNotExist);
}

#[tokio::test(start_paused = true)]
async fn with_limits_a_name_is_free_60_seconds_after_its_queue_was_deleted() {
    let options = Options {
        enforce_limits: true,
        ..Options::default()
    };
    let fixture = Fixture::with(options).await;
    fixture.queue("orders", &[]).await;
    let delete = json!({"QueueUrl": url("orders")});
    let create = json!({"QueueName": "orders"});
    fixture.ok("DeleteQueue", delete).await;
    let code = fixture.refused("CreateQueue", create.clone()).await;
    assert_eq!(code, "AWS.SimpleQueueService.QueueDeletedRecently");
    fixture.advance(60);
    fixture.ok("CreateQueue", create).await;

    let purge = json!({"QueueUrl": url("orders")});
    fixture.ok("PurgeQueue", purge.clone()).await;
    let code = fixture.refused("PurgeQueue", purge.clone()).await;
    assert_eq!(code, "AWS.SimpleQueueService.PurgeQueueInProgress");
    fixture.advance(60);
    fixture.ok("PurgeQueue", purge).await;
}

#[tokio::test]
async fn queues_are_listed_by_prefix_a_page_at_a_time() {
    let fixture = Fixture::new().await;
    for name in ["b-1", "a-2", "a-1", "a-3"] {
        fixture.queue(name, &[]).await;
    }
    let all = fixture.ok("ListQueues", json!({})).await;
    assert_eq!(all["QueueUrls"].as_array().unwrap().len(), 4);
    let page = json!({"QueueNamePrefix": "a-", "MaxResults": 2});
    let first = fixture.ok("ListQueues", page).await;
    assert_eq!(first["QueueUrls"], json!([url("a-1"), url("a-2")]));
    let next = json!({"QueueNamePrefix": "a-", "MaxResults": 2, "NextToken": first["NextToken"]});
    let second = fixture.ok("ListQueues", next).await;
    assert_eq!(second, json!({"QueueUrls": [url("a-3")]}));
    for refused in [
        json!({"MaxResults": 0}),
        json!({"MaxResults": 1001}),
        json!({"NextToken": "?"}),
    ] {
        assert_eq!(
            fixture.refused("ListQueues", refused).await,
            "InvalidParameterValue"
        );
    }
}

#[tokio::test]
async fn tags_are_added_replaced_and_removed() {
    let fixture = Fixture::new().await;
    let create = json!({"QueueName": "orders", "tags": {"a": "1"}});
    fixture.ok("CreateQueue", create).await;
    let tag = json!({"QueueUrl": url("orders"), "Tags": {"a": "2", "b": ""}});
    fixture.ok("TagQueue", tag).await;
    let list = || fixture.ok("ListQueueTags", json!({"QueueUrl": url("orders")}));
    assert_eq!(list().await, json!({"Tags": {"a": "2", "b": ""}}));
    let untag = json!({"QueueUrl": url("orders"), "TagKeys": ["a", "c"]});
    fixture.ok("UntagQueue", untag).await;
    assert_eq!(list().await, json!({"Tags": {"b": ""}}));
    let many: serde_json::Map<_, _> = (0..51).map(|n| (n.to_string(), json!(""))).collect();
    let many = json!({"QueueUrl": url("orders"), "Tags": many});
    assert_eq!(
        fixture.refused("TagQueue", many).await,
        "InvalidParameterValue"
    );
}

#[tokio::test]
async fn a_dead_letter_queue_has_to_exist_be_of_the_same_type_and_allow_it() {
    let fixture = Fixture::new().await;
    let queue = fixture.queue("orders", &[]).await;
    let policy = |target: &str| {
        let arn = format!("arn:aws:sqs:us-east-1:000000000000:{target}");
        json!({"deadLetterTargetArn": arn, "maxReceiveCount": "3"}).to_string()
    };
    let set = |policy: String| map(&[("RedrivePolicy", &policy)]);
    for target in ["missing", "dead.fifo", "closed", "others"] {
        match target {
            "dead.fifo" => drop(fixture.queue(target, &[("FifoQueue", "true")]).await),
            "closed" => {
                let deny = r#"{"redrivePermission":"denyAll"}"#;
                fixture.queue(target, &[("RedriveAllowPolicy", deny)]).await;
            }
            "others" => {
                let other = r#"{"redrivePermission":"byQueue","sourceQueueArns":["arn:aws:sqs:us-east-1:000000000000:other"]}"#;
                fixture
                    .queue(target, &[("RedriveAllowPolicy", other)])
                    .await;
            }
            _ => {}
        }
        let error = queue
            .set_attributes(&set(policy(target)))
            .await
            .unwrap_err();
        assert_eq!(error.code, Code::InvalidParameterValue, "{target}");
    }
    fixture.queue("dead", &[]).await;
    queue.set_attributes(&set(policy("dead"))).await.unwrap();
    let shown = &queue.attributes().unwrap()["RedrivePolicy"];
    assert_eq!(
        shown,
        r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":3}"#
    );
    let sources = json!({"QueueUrl": url("dead")});
    let sources = fixture.ok("ListDeadLetterSourceQueues", sources).await;
    assert_eq!(sources, json!({"queueUrls": [url("orders")]}));
    queue.set_attributes(&set(String::new())).await.unwrap();
    assert!(!queue.attributes().unwrap().contains_key("RedrivePolicy"));
}
