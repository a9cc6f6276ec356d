use serde_json::json;

use super::fixture::{Fixture, bodies, counts, map, of_group, receive, send, url};
use crate::{Queue, error::Code};

/// `orders`, whose dead letters go to `dead` after `receives` receives.
async fn with_dead_letters(fixture: &Fixture, receives: u32) -> (Queue, Queue) {
    let dead = fixture.queue("dead", &[]).await;
    let policy = policy(&dead, receives);
    let orders = fixture
        .queue(
            "orders",
            &[("RedrivePolicy", &policy), ("VisibilityTimeout", "1")],
        )
        .await;
    (orders, dead)
}

fn policy(dead: &Queue, receives: u32) -> String {
    json!({"deadLetterTargetArn": dead.arn(), "maxReceiveCount": receives}).to_string()
}

#[tokio::test(start_paused = true)]
async fn a_message_goes_to_the_dead_letter_queue_after_its_last_receive() {
    let fixture = Fixture::new().await;
    let (orders, dead) = with_dead_letters(&fixture, 2).await;
    send(&orders, &["poison"]).await;
    let mut sent = 0;
    for count in 1..=2 {
        let received = receive(&orders).await;
        assert_eq!(received[0].receive_count, count);
        sent = received[0].sent;
        fixture.advance(1);
    }
    assert!(receive(&orders).await.is_empty());
    assert_eq!(counts(&orders), (0, 0, 0));
    let request = json!({"QueueUrl": url("dead"), "AttributeNames": ["All"]});
    let reply = fixture.ok("ReceiveMessage", request).await;
    let attributes = &reply["Messages"][0]["Attributes"];
    assert_eq!(attributes["DeadLetterQueueSourceArn"], orders.arn());
    assert_eq!(attributes["ApproximateReceiveCount"], "3");
    assert_eq!(attributes["SentTimestamp"], sent.to_string());
    assert_eq!(counts(&dead), (0, 0, 1));
}

#[tokio::test(start_paused = true)]
async fn while_the_dead_letter_queue_is_gone_messages_stay() {
    let fixture = Fixture::new().await;
    let (orders, _) = with_dead_letters(&fixture, 1).await;
    send(&orders, &["poison"]).await;
    receive(&orders).await;
    fixture.advance(1);
    fixture
        .ok("DeleteQueue", json!({"QueueUrl": url("dead")}))
        .await;
    assert_eq!(receive(&orders).await[0].receive_count, 2);
}

#[tokio::test(start_paused = true)]
async fn a_fifo_queue_s_dead_letter_keeps_its_group_and_unlocks_it() {
    let fixture = Fixture::new().await;
    let dead = fixture.queue("dead.fifo", &[("FifoQueue", "true")]).await;
    let policy = policy(&dead, 1);
    let orders = fixture
        .fifo(&[("RedrivePolicy", &policy), ("VisibilityTimeout", "1")])
        .await;
    for body in ["1", "2"] {
        orders.send(of_group("a", body)).await.unwrap();
    }
    let one = crate::Receive::default();
    let first = orders.receive(&one).await.unwrap();
    fixture.advance(1);
    assert_eq!(bodies(&receive(&orders).await), ["2"]);
    let letters = receive(&dead).await;
    let letter = &letters[0].message;
    assert_eq!(letter.id, first[0].message.id);
    assert_eq!(letter.group_id.as_deref(), Some("a"));
    assert_eq!(
        letter.deduplication_id.as_deref(),
        Some(&*letter.id.to_string())
    );
}

#[tokio::test(start_paused = true)]
async fn dead_letters_are_moved_back_as_new_messages() {
    let fixture = Fixture::new().await;
    let (orders, dead) = with_dead_letters(&fixture, 1).await;
    let poison: Vec<String> = (0..25).map(|n| n.to_string()).collect();
    let poison: Vec<&str> = poison.iter().map(String::as_str).collect();
    send(&orders, &poison).await;
    let mut ids = std::collections::BTreeSet::new();
    for _ in 0..3 {
        ids.extend(receive(&orders).await.iter().map(|one| one.message.id));
    }
    fixture.advance(1);
    while counts(&orders).0 > 0 {
        receive(&orders).await;
    }
    assert_eq!(counts(&dead), (25, 0, 0));
    let start = json!({"SourceArn": dead.arn()});
    let started = fixture.ok("StartMessageMoveTask", start).await;
    assert!(started["TaskHandle"].is_string());
    while counts(&orders).0 < 25 {
        tokio::task::yield_now().await;
    }
    assert_eq!(counts(&dead), (0, 0, 0));
    let received = receive(&orders).await;
    assert_eq!(bodies(&received)[..2], ["0", "1"]);
    assert!(!ids.contains(&received[0].message.id));
    assert_eq!(received[0].receive_count, 1);
    let list = json!({"SourceArn": dead.arn()});
    let tasks = fixture.ok("ListMessageMoveTasks", list).await;
    let task = &tasks["Results"][0];
    assert_eq!(task["Status"], "COMPLETED");
    assert_eq!(task["ApproximateNumberOfMessagesMoved"], 25);
    assert_eq!(task["ApproximateNumberOfMessagesToMove"], 25);
    assert!(task.get("TaskHandle").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_slow_task_can_be_cancelled_and_is_the_only_one() {
    let fixture = Fixture::new().await;
    let (orders, dead) = with_dead_letters(&fixture, 1).await;
    let other = fixture.queue("other", &[]).await;
    send(&dead, &["a", "b", "c"]).await;
    let start = json!({"SourceArn": dead.arn(), "DestinationArn": other.arn(), "MaxNumberOfMessagesPerSecond": 1});
    let started = fixture.ok("StartMessageMoveTask", start.clone()).await;
    let code = fixture.refused("StartMessageMoveTask", start).await;
    assert_eq!(code, "AWS.SimpleQueueService.UnsupportedOperation");
    while counts(&other).0 == 0 {
        tokio::task::yield_now().await;
    }
    let cancel = json!({"TaskHandle": started["TaskHandle"]});
    let cancelled = fixture.ok("CancelMessageMoveTask", cancel.clone()).await;
    assert_eq!(cancelled["ApproximateNumberOfMessagesMoved"], 1);
    tokio::time::advance(std::time::Duration::from_secs(10)).await;
    assert_eq!(counts(&dead), (2, 0, 0));
    let code = fixture.refused("CancelMessageMoveTask", cancel).await;
    assert_eq!(code, "AWS.SimpleQueueService.UnsupportedOperation");
    let code = fixture
        .refused("CancelMessageMoveTask", json!({"TaskHandle": "x"}))
        .await;
    assert_eq!(code, "ResourceNotFoundException");
    drop(orders);
}

#[tokio::test]
async fn only_the_letters_of_a_dead_letter_queue_are_moved() {
    let fixture = Fixture::new().await;
    let queue = fixture.queue("orders", &[]).await;
    let code = fixture
        .refused("StartMessageMoveTask", json!({"SourceArn": queue.arn()}))
        .await;
    assert_eq!(code, "InvalidParameterValue");
    let missing = json!({"SourceArn": format!("{}x", queue.arn())});
    let code = fixture.refused("StartMessageMoveTask", missing).await;
    assert_eq!(code, "ResourceNotFoundException");
}

#[tokio::test]
async fn a_letter_that_was_sent_to_the_dead_letter_queue_has_no_way_back() {
    let fixture = Fixture::new().await;
    let (_orders, dead) = with_dead_letters(&fixture, 1).await;
    send(&dead, &["a"]).await;
    fixture
        .ok("StartMessageMoveTask", json!({"SourceArn": dead.arn()}))
        .await;
    let list = json!({"SourceArn": dead.arn()});
    loop {
        let tasks = fixture.ok("ListMessageMoveTasks", list.clone()).await;
        if tasks["Results"][0]["Status"] == "FAILED" {
            let reason = tasks["Results"][0]["FailureReason"].as_str().unwrap();
            assert!(reason.contains("DestinationArn"), "{reason}");
            break;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(counts(&dead), (1, 0, 0));
    let wrong = map(&[("RedrivePolicy", &policy(&dead, 0))]);
    let error = dead.set_attributes(&wrong).await.unwrap_err();
    assert_eq!(error.code, Code::InvalidParameterValue);
}
