//! Work does not grow with the number of messages: counted by what is done, not timed.

use super::fixture::{Fixture, counts, of_group, receive};
use crate::SendMessage;

/// Would take hours if an operation looked at every message.
#[tokio::test]
async fn a_hundred_thousand_messages_are_sent_received_and_deleted() {
    let fixture = Fixture::new().await;
    let queue = fixture.queue("orders", &[]).await;
    let fifo = fixture.fifo(&[]).await;
    for n in 0..10_000 {
        let ten = || (0..10).map(move |m| format!("{n} {m}"));
        queue
            .send_all(ten().map(SendMessage::new).collect())
            .await
            .unwrap();
        let grouped = ten().map(|body| of_group(&(n % 1000).to_string(), &body));
        fifo.send_all(grouped.collect()).await.unwrap();
    }
    for queue in [&queue, &fifo] {
        assert_eq!(counts(queue), (100_000, 0, 0));
        let mut deleted = 0;
        while deleted < 100_000 {
            let received = receive(queue).await;
            let handles: Vec<_> = received
                .iter()
                .map(|one| one.receipt_handle.as_str())
                .collect();
            queue.delete_all(&handles).await.unwrap();
            deleted += handles.len();
        }
        assert_eq!(counts(queue), (0, 0, 0));
    }
}
