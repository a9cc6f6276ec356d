use std::time::Duration;

use serde_json::json;

use super::fixture::{Fixture, bodies, counts, receive, send, url};
use crate::{Receive, error::Code};

#[tokio::test(start_paused = true)]
async fn a_received_message_is_invisible_until_its_timeout_ends() {
    let fixture = Fixture::new().await;
    let queue = fixture.queue("orders", &[]).await;
    send(&queue, &["a"]).await;
    let first = receive(&queue).await;
    assert_eq!(first[0].receive_count, 1);
    fixture.advance(29);
    assert!(receive(&queue).await.is_empty());
    assert_eq!(counts(&queue), (0, 0, 1));
    fixture.advance(1);
    let second = receive(&queue).await;
    assert_eq!(second[0].receive_count, 2);
    assert_eq!(second[0].first_received, first[0].first_received);
    assert_ne!(second[0].receipt_handle, first[0].receipt_handle);
}

#[tokio::test(start_paused = true)]
async fn a_request_can_name_its_own_timeout() {
    let fixture = Fixture::new().await;
    let queue = fixture.queue("orders", &[]).await;
    send(&queue, &["a"]).await;
    let short = Receive {
        visibility_timeout: Some(Duration::from_secs(2)),
        ..Receive::default()
    };
    queue.receive(&short).await.unwrap();
    fixture.advance(2);
    assert_eq!(receive(&queue).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_old_handle_deletes_nothing_and_the_last_one_does_also_late() {
    let fixture = Fixture::new().await;
    let queue = fixture.queue("orders", &[]).await;
    send(&queue, &["a"]).await;
    let old = receive(&queue).await;
    fixture.advance(30);
    let last = receive(&queue).await;
    queue.delete(&old[0].receipt_handle).await.unwrap();
    assert_eq!(counts(&queue), (0, 0, 1));
    fixture.advance(30);
    assert_eq!(counts(&queue), (1, 0, 0));
    queue.delete(&last[0].receipt_handle).await.unwrap();
    assert_eq!(counts(&queue), (0, 0, 0));
    // Once more: it is deleted.
    queue.delete(&last[0].receipt_handle).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn visibility_is_changed_from_now_on_up_to_twelve_hours_after_the_receive() {
    let fixture = Fixture::new().await;
    let queue = fixture.queue("orders", &[]).await;
    send(&queue, &["a"]).await;
    let received = receive(&queue).await;
    let handle = &received[0].receipt_handle;
    let change = |seconds| queue.change_visibility(handle, Duration::from_secs(seconds));
    fixture.advance(20);
    change(60).await.unwrap();
    fixture.advance(59);
    assert_eq!(counts(&queue), (0, 0, 1));
    let code = |result: Result<(), crate::SqsError>| result.unwrap_err().code;
    assert_eq!(code(change(43_200).await), Code::InvalidParameterValue);
    assert_eq!(code(change(43_201).await), Code::InvalidParameterValue);
    change(43_200 - 79).await.unwrap();
    change(0).await.unwrap();
    assert_eq!(counts(&queue), (1, 0, 0));
    assert_eq!(code(change(0).await), Code::MessageNotInflight);
    let again = receive(&queue).await;
    queue.delete(&again[0].receipt_handle).await.unwrap();
    assert_eq!(code(change(0).await), Code::InvalidParameterValue);
}

#[tokio::test]
async fn a_handle_belongs_to_its_queue() {
    let fixture = Fixture::new().await;
    let queue = fixture.queue("orders", &[]).await;
    let other = fixture.queue("other", &[]).await;
    send(&queue, &["a"]).await;
    let received = receive(&queue).await;
    let handle = &received[0].receipt_handle;
    let error = other.delete(handle).await.unwrap_err();
    assert_eq!(error.code, Code::ReceiptHandleIsInvalid);
    let error = queue.delete("no handle").await.unwrap_err();
    assert_eq!(error.code, Code::ReceiptHandleIsInvalid);
}

#[tokio::test]
async fn a_receive_takes_what_fits_and_its_parameters_have_ranges() {
    let fixture = Fixture::new().await;
    let queue = fixture.queue("orders", &[]).await;
    send(&queue, &["a", "b", "c"]).await;
    let one = queue.receive(&Receive::default()).await.unwrap();
    assert_eq!(bodies(&one), ["a"]);
    assert_eq!(bodies(&receive(&queue).await), ["b", "c"]);
    for (name, value) in [
        ("MaxNumberOfMessages", 0),
        ("MaxNumberOfMessages", 11),
        ("WaitTimeSeconds", 21),
        ("WaitTimeSeconds", -1),
        ("VisibilityTimeout", 43_201),
    ] {
        let request = json!({"QueueUrl": url("orders"), name: value});
        let code = fixture.refused("ReceiveMessage", request).await;
        assert_eq!(code, "InvalidParameterValue", "{name}={value}");
    }
}

#[tokio::test]
async fn a_standard_queue_has_120_000_messages_in_flight_at_most() {
    let fixture = Fixture::new().await;
    let queue = fixture.queue("orders", &[]).await;
    for _ in 0..12_001 {
        let ten = (0..10).map(|_| crate::SendMessage::new("x")).collect();
        queue.send_all(ten).await.unwrap();
    }
    for _ in 0..12_000 {
        assert_eq!(receive(&queue).await.len(), 10);
    }
    let error = queue.receive(&Receive::default()).await.unwrap_err();
    assert_eq!(error.code, Code::OverLimit);
}
