//! Work that does not grow with the number of messages. Nothing is timed: an operation
//! that looked at every message would keep this test busy for many minutes. The benchmark
//! `sqs` has the figures for a million.

use super::fixture::{Fixture, counts, of_group, receive};
use crate::SendMessage;

#[tokio::test]
async fn thirty_thousand_messages_are_sent_received_and_deleted() {
    const MESSAGES: usize = 30_000;
    let fixture = Fixture::new().await;
    let queue = fixture.queue("orders", &[]).await;
    let fifo = fixture.fifo(&[]).await;
    for n in 0..MESSAGES / 10 {
        let ten = || (0..10).map(move |m| format!("{n} {m}"));
        let messages = ten().map(SendMessage::new).collect();
        queue.send_all(messages).await.unwrap();
        let group = (n % 1000).to_string();
        let grouped = ten().map(|body| of_group(&group, &body));
        fifo.send_all(grouped.collect()).await.unwrap();
    }
    for queue in [&queue, &fifo] {
        assert_eq!(counts(queue), (MESSAGES, 0, 0));
        let mut deleted = 0;
        while deleted < MESSAGES {
            let received = receive(queue).await;
            let handles = received.iter().map(|one| one.receipt_handle.as_str());
            let handles: Vec<_> = handles.collect();
            queue.delete_all(&handles).await.unwrap();
            deleted += handles.len();
        }
        assert_eq!(counts(queue), (0, 0, 0));
    }
}
