use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, timeout};

use super::fixture::{Fixture, bodies, counts, of_group, receive, send, url};
use crate::{Queue, Receive, Received, SendMessage, error::Code};

fn waiting(seconds: u64) -> Receive {
    Receive {
        wait: Some(Duration::from_secs(seconds)),
        ..Receive::default()
    }
}

/// A receive that waits, once it waits.
async fn waiter(
    queue: &Queue,
    seconds: u64,
) -> tokio::task::JoinHandle<Result<Vec<Received>, crate::SqsError>> {
    let queue = queue.clone();
    let waiter = tokio::spawn(async move { queue.receive(&waiting(seconds)).await });
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert!(!waiter.is_finished());
    waiter
}

#[tokio::test(start_paused = true)]
async fn a_send_wakes_a_receive_that_waits() {
    let fixture = Fixture::new().await;
    let queue = fixture.queue("orders", &[]).await;
    let before = Instant::now();
    let waiter = waiter(&queue, 20).await;
    send(&queue, &["a"]).await;
    let received = waiter.await.unwrap().unwrap();
    assert_eq!(bodies(&received), ["a"]);
    assert_eq!(before.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn every_message_wakes_one_receive() {
    let fixture = Fixture::new().await;
    let queue = fixture.queue("orders", &[]).await;
    let mut waiters = Vec::new();
    for _ in 0..5 {
        waiters.push(waiter(&queue, 20).await);
    }
    let messages = (0..5).map(|n| SendMessage::new(n.to_string())).collect();
    queue.send_all(messages).await.unwrap();
    for waiter in waiters {
        assert_eq!(waiter.await.unwrap().unwrap().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_visibility_timeout_wakes_a_receive_also_by_a_moved_clock() {
    let fixture = Fixture::new().await;
    let queue = fixture.queue("orders", &[("VisibilityTimeout", "5")]).await;
    send(&queue, &["a"]).await;
    receive(&queue).await;
    let before = Instant::now();
    let received = queue.receive(&waiting(20)).await.unwrap();
    assert_eq!(received[0].receive_count, 2);
    assert_eq!(before.elapsed(), Duration::from_secs(5));

    let waiter = waiter(&queue, 20).await;
    fixture.advance(5);
    assert_eq!(waiter.await.unwrap().unwrap()[0].receive_count, 3);
    assert_eq!(before.elapsed(), Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn a_timeout_that_is_shortened_wakes_a_receive_that_knew_the_longer_one() {
    let fixture = Fixture::new().await;
    let queue = fixture.queue("orders", &[]).await;
    send(&queue, &["a", "b"]).await;
    let received = receive(&queue).await;
    let before = Instant::now();
    let shortened = waiter(&queue, 20).await;
    let handle = &received[0].receipt_handle;
    queue
        .change_visibility(handle, Duration::from_secs(2))
        .await
        .unwrap();
    assert_eq!(bodies(&shortened.await.unwrap().unwrap()), ["a"]);
    assert_eq!(before.elapsed(), Duration::from_secs(2));
    let ended = waiter(&queue, 20).await;
    let handle = &received[1].receipt_handle;
    queue
        .change_visibility(handle, Duration::ZERO)
        .await
        .unwrap();
    assert_eq!(bodies(&ended.await.unwrap().unwrap()), ["b"]);
}

#[tokio::test(start_paused = true)]
async fn the_deletion_of_a_message_wakes_the_next_receive_of_its_group() {
    let fixture = Fixture::new().await;
    let queue = fixture.fifo(&[]).await;
    for body in ["1", "2"] {
        queue.send(of_group("a", body)).await.unwrap();
    }
    let first = queue.receive(&Receive::default()).await.unwrap();
    let waiter = waiter(&queue, 20).await;
    queue.delete(&first[0].receipt_handle).await.unwrap();
    assert_eq!(bodies(&waiter.await.unwrap().unwrap()), ["2"]);
}

#[tokio::test(start_paused = true)]
async fn a_receive_ends_empty_when_its_wait_is_over_or_the_clock_was_moved_past_it() {
    let fixture = Fixture::new().await;
    fixture
        .queue("orders", &[("ReceiveMessageWaitTimeSeconds", "7")])
        .await;
    let before = Instant::now();
    let request = json!({"QueueUrl": url("orders")});
    assert_eq!(fixture.ok("ReceiveMessage", request).await, json!({}));
    assert_eq!(before.elapsed(), Duration::from_secs(7));
    let queue = fixture.sqs.queue("orders").unwrap();
    let waiter = waiter(&queue, 20).await;
    fixture.advance(20);
    assert!(waiter.await.unwrap().unwrap().is_empty());
    assert_eq!(before.elapsed(), Duration::from_secs(7));
}

#[tokio::test(start_paused = true)]
async fn a_receive_that_is_dropped_while_it_waits_takes_no_message() {
    let fixture = Fixture::new().await;
    let queue = fixture.queue("orders", &[]).await;
    let request = waiting(20);
    let gone = timeout(Duration::from_secs(1), queue.receive(&request)).await;
    gone.unwrap_err();
    send(&queue, &["a"]).await;
    assert_eq!(counts(&queue), (1, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn deleting_the_queue_ends_a_receive_that_waits() {
    let fixture = Fixture::new().await;
    let queue = fixture.queue("orders", &[]).await;
    let waiter = waiter(&queue, 20).await;
    fixture
        .ok("DeleteQueue", json!({"QueueUrl": url("orders")}))
        .await;
    let error = waiter.await.unwrap().unwrap_err();
    assert_eq!(error.code, Code::QueueDoesNotExist);
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_wakes_a_receive_of_its_queue() {
    let fixture = Fixture::new().await;
    let dead = fixture.queue("dead", &[]).await;
    let policy = json!({"deadLetterTargetArn": dead.arn(), "maxReceiveCount": 1}).to_string();
    let attributes = [
        ("RedrivePolicy", policy.as_str()),
        ("VisibilityTimeout", "1"),
    ];
    let queue = fixture.queue("orders", &attributes).await;
    send(&queue, &["poison"]).await;
    receive(&queue).await;
    let waiter = waiter(&dead, 20).await;
    fixture.advance(1);
    assert!(receive(&queue).await.is_empty());
    assert_eq!(bodies(&waiter.await.unwrap().unwrap()), ["poison"]);
}
