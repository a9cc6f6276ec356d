//! What stays in the queue when a function fails.

use std::time::Duration;

use bytes::Bytes;
use event_source_mapping::{Clock, queue::settings::QueueSettings, target::Reply};

use crate::{
    memory::Memory,
    world::{Function, VISIBILITY, error, failed, ok, queue, soon, start},
};

fn partial() -> QueueSettings {
    QueueSettings {
        report_batch_item_failures: true,
        ..QueueSettings::default()
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_batch_comes_again_after_the_visibility_timeout() {
    let clock = Clock::tokio();
    let (queue, function) = (queue(&clock), Function::new([error()]));
    queue.send(None, "x");
    let mapping = start(
        &clock,
        &queue,
        function.clone(),
        QueueSettings::default(),
        false,
    );
    soon().await;
    assert_eq!(function.batches().len(), 1, "it is hidden");
    let status = mapping.watch().status();
    assert_eq!((status.deleted, status.returned), (0, 1));
    assert_eq!(status.last_error.as_deref(), Some("E: it fails"));
    clock.advance(VISIBILITY);
    soon().await;
    assert_eq!(function.batches().len(), 2);
    assert!(queue.is_empty());
    mapping.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_always_fails_ends_in_the_dead_letter_queue() {
    let clock = Clock::tokio();
    let always = (0..10).map(|_| error());
    let (queue, function) = (queue(&clock), Function::new(always));
    let id = queue.send(None, "x");
    let mapping = start(
        &clock,
        &queue,
        function.clone(),
        QueueSettings::default(),
        false,
    );
    for _ in 0..4 {
        soon().await;
        clock.advance(VISIBILITY);
    }
    assert_eq!(function.batches().len(), 3, "maxReceiveCount");
    assert_eq!(queue.dead(), [id]);
    assert!(mapping.watch().settled().await);
    mapping.stop().await;
}

#[tokio::test(start_paused = true)]
async fn of_a_partial_batch_response_only_the_reported_messages_stay() {
    let clock = Clock::tokio();
    let (queue, function) = (queue(&clock), Function::new([failed(&["m1"])]));
    for _ in 0..3 {
        queue.send(None, "x");
    }
    let mapping = start(&clock, &queue, function.clone(), partial(), false);
    soon().await;
    assert_eq!(queue.deleted(), ["m0", "m2"]);
    clock.advance(VISIBILITY);
    soon().await;
    assert_eq!(function.batches()[1], ["m1"]);
    assert!(queue.is_empty());
    mapping.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_response_that_names_no_message_of_the_batch_fails_all_of_it() {
    let clock = Clock::tokio();
    let malformed = Reply::Success(Bytes::from_static(b"[]"));
    let replies = [failed(&["m9"]), malformed];
    let (queue, function) = (queue(&clock), Function::new(replies));
    queue.send(None, "x");
    queue.send(None, "x");
    let mapping = start(&clock, &queue, function.clone(), partial(), false);
    for _ in 0..2 {
        soon().await;
        assert!(queue.deleted().is_empty());
        clock.advance(VISIBILITY);
    }
    soon().await;
    assert!(queue.is_empty());
    assert_eq!(function.batches().len(), 3);
    mapping.stop().await;
}

#[tokio::test(start_paused = true)]
async fn without_report_batch_item_failures_a_response_means_nothing() {
    let clock = Clock::tokio();
    let (queue, function) = (queue(&clock), Function::new([failed(&["m0"])]));
    queue.send(None, "x");
    let mapping = start(&clock, &queue, function, QueueSettings::default(), false);
    soon().await;
    assert_eq!(queue.deleted(), ["m0"]);
    mapping.stop().await;
}

#[tokio::test(start_paused = true)]
async fn of_a_fifo_queue_too_what_is_not_reported_is_deleted() {
    let clock = Clock::tokio();
    let (queue, function) = (queue(&clock), Function::new([failed(&["m1"])]));
    for group in ["a", "a", "a", "b"] {
        queue.send(Some(group), "x");
    }
    let mapping = start(&clock, &queue, function.clone(), partial(), true);
    soon().await;
    // As Lambda does it: the function has to report what follows in the group.
    assert_eq!(queue.deleted(), ["m0", "m2", "m3"]);
    mapping.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_throttled_invocation_is_repeated_while_its_messages_are_hidden() {
    let clock = Clock::tokio();
    let throttled = [Reply::Throttled, Reply::Unavailable("away".into()), ok()];
    let (queue, function) = (queue(&clock), Function::new(throttled));
    let id = queue.send(None, "x");
    let mapping = start(
        &clock,
        &queue,
        function.clone(),
        QueueSettings::default(),
        false,
    );
    soon().await;
    assert_eq!(function.batches().len(), 3);
    assert_eq!(queue.deleted(), [id], "it was received once");
    assert_eq!(mapping.watch().status().batches, 1);
    mapping.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_function_that_is_throttled_too_long_gets_the_messages_when_they_are_visible_again() {
    let clock = Clock::tokio();
    let always = (0..10_000).map(|_| Reply::Throttled);
    let (queue, function) = (
        Memory::new(&clock, VISIBILITY, None, 0),
        Function::new(always),
    );
    let id = queue.send(None, "x");
    let mapping = start(
        &clock,
        &queue,
        function.clone(),
        QueueSettings::default(),
        false,
    );
    tokio::time::sleep(VISIBILITY.saturating_sub(Duration::from_secs(1))).await;
    assert_eq!(queue.receives(&id), 1);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(queue.receives(&id), 2);
    assert_eq!(mapping.watch().status().returned, 1);
    mapping.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_payload_that_the_endpoint_finds_too_large_is_halved() {
    let clock = Clock::tokio();
    let (queue, function) = (queue(&clock), Function::new([Reply::TooLarge]));
    for _ in 0..5 {
        queue.send(None, "x");
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
    assert_eq!(sizes, [5, 2, 3]);
    assert!(queue.is_empty());
    mapping.stop().await;
}

#[tokio::test(start_paused = true)]
async fn processed_messages_are_deleted_though_the_queue_is_away_for_a_while() {
    let clock = Clock::tokio();
    let queue = Memory::new(&clock, VISIBILITY, Some(1), 3);
    let function = Function::new([]);
    queue.send(None, "x");
    let mapping = start(
        &clock,
        &queue,
        function.clone(),
        QueueSettings::default(),
        false,
    );
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(queue.is_empty());
    assert!(queue.dead().is_empty());
    mapping.stop().await;
}
