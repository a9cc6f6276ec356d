use std::time::Duration;

use super::fixture::{Fixture, bodies, counts, map, of_group, receive};
use crate::{Queue, Receive, SendMessage, error::Code};

async fn send(queue: &Queue, messages: &[(&str, &str)]) {
    for (group, body) in messages {
        queue.send(of_group(group, body)).await.unwrap();
    }
}

async fn receive_one(queue: &Queue) -> Vec<crate::Received> {
    queue.receive(&Receive::default()).await.unwrap()
}

#[tokio::test]
async fn a_group_is_locked_while_a_message_of_it_is_in_flight() {
    let fixture = Fixture::new().await;
    let queue = fixture.fifo(&[]).await;
    send(
        &queue,
        &[("a", "a1"), ("b", "b1"), ("a", "a2"), ("b", "b2")],
    )
    .await;
    let first = receive_one(&queue).await;
    assert_eq!(bodies(&first), ["a1"]);
    assert_eq!(bodies(&receive(&queue).await), ["b1", "b2"]);
    assert!(receive(&queue).await.is_empty());
    queue.delete(&first[0].receipt_handle).await.unwrap();
    assert_eq!(bodies(&receive(&queue).await), ["a2"]);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_becomes_visible_again_comes_before_the_later_ones() {
    let fixture = Fixture::new().await;
    let queue = fixture.fifo(&[]).await;
    send(&queue, &[("a", "1"), ("a", "2"), ("a", "3")]).await;
    let both = Receive {
        max_messages: 2,
        ..Receive::default()
    };
    let received = queue.receive(&both).await.unwrap();
    assert_eq!(bodies(&received), ["1", "2"]);
    queue.delete(&received[1].receipt_handle).await.unwrap();
    assert!(receive(&queue).await.is_empty(), "1 is in flight still");
    fixture.advance(30);
    assert_eq!(bodies(&receive(&queue).await), ["1", "3"]);
}

#[tokio::test]
async fn sequence_numbers_grow_and_have_twenty_digits() {
    let fixture = Fixture::new().await;
    let queue = fixture.fifo(&[]).await;
    let mut last = 0;
    for n in 0..50 {
        let sent = queue.send(of_group("a", &n.to_string())).await.unwrap();
        let number = sent.sequence_number.unwrap();
        assert!(number > last);
        assert_eq!(number.to_string().len(), 20);
        last = number;
    }
    let received = receive_one(&queue).await;
    assert!(received[0].sequence_number.unwrap() < last);
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_within_five_minutes_is_accepted_and_not_delivered() {
    let fixture = Fixture::new().await;
    let queue = fixture.fifo(&[]).await;
    let first = queue.send(of_group("a", "same")).await.unwrap();
    let received = receive(&queue).await;
    queue.delete(&received[0].receipt_handle).await.unwrap();
    fixture.advance(299);
    let second = queue.send(of_group("b", "same")).await.unwrap();
    assert_eq!(second, first);
    assert_eq!(counts(&queue), (0, 0, 0));
    fixture.advance(1);
    let third = queue.send(of_group("a", "same")).await.unwrap();
    assert_ne!(third.message_id, first.message_id);
    assert_eq!(counts(&queue), (1, 0, 0));
}

#[tokio::test]
async fn a_given_id_overrides_the_body_s_also_inside_a_batch() {
    let fixture = Fixture::new().await;
    let queue = fixture.fifo(&[]).await;
    let with_id = |id: &str, body: &str| SendMessage {
        deduplication_id: Some(id.to_owned()),
        ..of_group("a", body)
    };
    let messages = vec![
        with_id("1", "same"),
        with_id("2", "same"),
        with_id("1", "other"),
    ];
    let sent = queue.send_all(messages).await.unwrap();
    let ids: Vec<_> = sent
        .iter()
        .map(|sent| sent.as_ref().unwrap().message_id)
        .collect();
    assert_eq!(ids[0], ids[2]);
    let received = receive(&queue).await;
    assert_eq!(bodies(&received), ["same", "same"]);
    assert_eq!(received[1].message.deduplication_id.as_deref(), Some("2"));
}

#[tokio::test]
async fn the_scope_of_deduplication_can_be_the_group() {
    let fixture = Fixture::new().await;
    let queue = fixture
        .fifo(&[
            ("DeduplicationScope", "messageGroup"),
            ("FifoThroughputLimit", "perMessageGroupId"),
        ])
        .await;
    send(&queue, &[("a", "same"), ("b", "same"), ("a", "same")]).await;
    assert_eq!(receive(&queue).await.len(), 2);
    let scope = map(&[("DeduplicationScope", "queue")]);
    let error = queue.set_attributes(&scope).await.unwrap_err();
    assert_eq!(error.code, Code::InvalidAttributeValue);
}

#[tokio::test]
async fn a_fifo_queue_wants_a_group_and_a_way_to_deduplicate() {
    let fixture = Fixture::new().await;
    let queue = fixture.queue("plain.fifo", &[("FifoQueue", "true")]).await;
    let code = |message| async { queue.send(message).await.unwrap_err().code };
    assert_eq!(code(SendMessage::new("x")).await, Code::MissingParameter);
    assert_eq!(code(of_group("a", "x")).await, Code::InvalidParameterValue);
    let delayed = SendMessage {
        delay: Some(Duration::from_secs(1)),
        deduplication_id: Some("1".into()),
        ..of_group("a", "x")
    };
    assert_eq!(code(delayed).await, Code::InvalidParameterValue);
}

#[tokio::test(start_paused = true)]
async fn a_new_delay_holds_for_the_messages_that_wait() {
    let fixture = Fixture::new().await;
    let queue = fixture.fifo(&[("DelaySeconds", "60")]).await;
    send(&queue, &[("a", "1"), ("a", "2")]).await;
    fixture.advance(10);
    assert_eq!(counts(&queue), (0, 2, 0));
    let delay = map(&[("DelaySeconds", "10")]);
    queue.set_attributes(&delay).await.unwrap();
    assert_eq!(bodies(&receive(&queue).await), ["1", "2"]);
}

#[tokio::test(start_paused = true)]
async fn an_expired_handle_is_refused() {
    let fixture = Fixture::new().await;
    let queue = fixture.fifo(&[]).await;
    send(&queue, &[("a", "1")]).await;
    let received = receive(&queue).await;
    fixture.advance(30);
    let error = queue.delete(&received[0].receipt_handle).await.unwrap_err();
    assert_eq!(error.code, Code::InvalidParameterValue);
    assert!(error.message.contains("expired"), "{error}");
    assert_eq!(counts(&queue), (1, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn the_same_attempt_receives_the_same_messages() {
    let fixture = Fixture::new().await;
    let queue = fixture.fifo(&[]).await;
    send(&queue, &[("a", "1"), ("a", "2")]).await;
    let attempt = Receive {
        max_messages: 10,
        attempt_id: Some("first".into()),
        ..Receive::default()
    };
    let first = queue.receive(&attempt).await.unwrap();
    fixture.advance(20);
    let again = queue.receive(&attempt).await.unwrap();
    let handles = |received: &[crate::Received]| -> Vec<String> {
        received
            .iter()
            .map(|one| one.receipt_handle.clone())
            .collect()
    };
    assert_eq!(handles(&again), handles(&first));
    // The repeat restarted the visibility timeout.
    fixture.advance(29);
    assert_eq!(counts(&queue), (0, 0, 2));
    queue.delete(&first[0].receipt_handle).await.unwrap();
    assert!(queue.receive(&attempt).await.unwrap().is_empty());
}
