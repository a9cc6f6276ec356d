//! Batch size, batching window, filters, concurrency and long polling.

use std::time::Duration;

use event_source_mapping::{Clock, filter::Filters, queue::settings::QueueSettings};

use crate::world::{Function, queue, soon, start};

#[tokio::test(start_paused = true)]
async fn a_message_is_processed_at_once_and_deleted() {
    let clock = Clock::tokio();
    let (queue, function) = (queue(&clock), Function::new([]));
    let mapping = start(
        &clock,
        &queue,
        function.clone(),
        QueueSettings::default(),
        false,
    );
    mapping.ready().await;
    let id = queue.send(None, "hello");
    let begun = tokio::time::Instant::now();
    while queue.deleted().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        begun.elapsed(),
        Duration::ZERO,
        "no time passes: the wait is woken"
    );
    assert_eq!(function.batches(), [[id]]);
    let status = mapping.watch().status();
    assert_eq!((status.received, status.batches, status.deleted), (1, 1, 1));
    mapping.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_idle_queue_is_asked_every_20_seconds() {
    let clock = Clock::tokio();
    let (queue, function) = (queue(&clock), Function::new([]));
    let mapping = start(&clock, &queue, function, QueueSettings::default(), false);
    tokio::time::sleep(Duration::from_secs(199)).await;
    assert_eq!(queue.requests(), 10);
    mapping.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_batch_has_at_most_the_batch_size() {
    let clock = Clock::tokio();
    let (queue, function) = (queue(&clock), Function::new([]));
    for _ in 0..7 {
        queue.send(None, "x");
    }
    let settings = QueueSettings {
        batch_size: 3,
        ..QueueSettings::default()
    };
    let mapping = start(&clock, &queue, function.clone(), settings, false);
    soon().await;
    let sizes: Vec<_> = function.batches().iter().map(Vec::len).collect();
    assert_eq!(sizes, [3, 3, 1]);
    mapping.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_batching_window_gathers_more_than_one_request_returns() {
    let clock = Clock::tokio();
    let (queue, function) = (queue(&clock), Function::new([]));
    let settings = QueueSettings {
        batch_size: 25,
        batching_window: Duration::from_secs(10),
        ..QueueSettings::default()
    };
    let mapping = start(&clock, &queue, function.clone(), settings, false);
    for _ in 0..32 {
        queue.send(None, "x");
    }
    soon().await;
    let sizes = || -> Vec<_> { function.batches().iter().map(Vec::len).collect() };
    assert_eq!(sizes(), [25], "a full batch does not wait");
    assert_eq!(mapping.watch().status().waiting, 7);
    clock.advance(Duration::from_secs(10));
    soon().await;
    assert_eq!(sizes(), [25, 7]);
    mapping.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_payload_has_at_most_six_megabytes() {
    let clock = Clock::tokio();
    let (queue, function) = (queue(&clock), Function::new([]));
    for _ in 0..8 {
        queue.send(None, &"x".repeat(1024 * 1024));
    }
    let mapping = start(
        &clock,
        &queue,
        function.clone(),
        QueueSettings::default(),
        false,
    );
    soon().await;
    let sizes: Vec<_> = function.batches().iter().map(Vec::len).collect();
    assert_eq!(sizes, [5, 3]);
    assert!(queue.is_empty());
    mapping.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_no_filter_matches_is_deleted_without_an_invocation() {
    let clock = Clock::tokio();
    let (queue, function) = (queue(&clock), Function::new([]));
    let settings = QueueSettings {
        filters: Filters::parse([r#"{"body":{"kind":["order"]}}"#]).unwrap(),
        ..QueueSettings::default()
    };
    let mapping = start(&clock, &queue, function.clone(), settings, false);
    let order = queue.send(None, r#"{"kind":"order"}"#);
    queue.send(None, r#"{"kind":"refund"}"#);
    queue.send(None, "order");
    soon().await;
    assert_eq!(function.batches(), [[order]]);
    assert!(queue.is_empty());
    let status = mapping.watch().status();
    assert_eq!((status.deleted, status.filtered), (1, 2));
    mapping.stop().await;
}

#[tokio::test(start_paused = true)]
async fn no_message_is_received_that_no_batch_can_take() {
    let clock = Clock::tokio();
    let takes = Duration::from_secs(20);
    let (queue, function) = (queue(&clock), Function::taking(takes, []));
    for _ in 0..30 {
        queue.send(None, "x");
    }
    let settings = QueueSettings {
        batch_size: 5,
        maximum_concurrency: Some(2),
        ..QueueSettings::default()
    };
    let mapping = start(&clock, &queue, function.clone(), settings, false);
    soon().await;
    let status = mapping.watch().status();
    assert_eq!((status.in_flight, status.received), (2, 10));
    mapping.stop().await;
}

#[tokio::test(start_paused = true)]
async fn concurrency_starts_at_five_batches_and_grows_while_messages_wait() {
    let clock = Clock::tokio();
    let takes = Duration::from_secs(25);
    let (queue, function) = (queue(&clock), Function::taking(takes, []));
    for _ in 0..1000 {
        queue.send(None, "x");
    }
    let settings = QueueSettings {
        batch_size: 1,
        ..QueueSettings::default()
    };
    let mapping = start(&clock, &queue, function.clone(), settings, false);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(mapping.watch().status().in_flight, 5);
    tokio::time::sleep(Duration::from_secs(4)).await;
    let grown = mapping.watch().status().in_flight;
    assert!((20..=27).contains(&grown), "{grown}");
    mapping.stop().await;
}
