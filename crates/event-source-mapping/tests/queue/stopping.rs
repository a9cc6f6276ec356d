//! How a mapping stops.

use std::time::Duration;

use event_source_mapping::{Clock, queue::settings::QueueSettings};

use crate::{
    memory::Memory,
    world::{Function, queue, soon, start},
};

#[tokio::test(start_paused = true)]
async fn an_invocation_under_way_is_finished() {
    let clock = Clock::tokio();
    let takes = Duration::from_secs(4);
    let (queue, function) = (queue(&clock), Function::taking(takes, []));
    let id = queue.send(None, "x");
    let mapping = start(
        &clock,
        &queue,
        function.clone(),
        QueueSettings::default(),
        false,
    );
    soon().await;
    assert!(queue.deleted().is_empty());
    mapping.stop().await;
    assert_eq!(queue.deleted(), [id]);
}

#[tokio::test(start_paused = true)]
async fn an_invocation_that_takes_too_long_is_dropped_and_its_message_stays() {
    let clock = Clock::tokio();
    let takes = Duration::from_mins(10);
    let (queue, function) = (queue(&clock), Function::taking(takes, []));
    queue.send(None, "x");
    let mapping = start(
        &clock,
        &queue,
        function.clone(),
        QueueSettings::default(),
        false,
    );
    soon().await;
    let began = tokio::time::Instant::now();
    mapping.stop().await;
    assert_eq!(began.elapsed().as_secs(), 5);
    assert!(!queue.is_empty());
}

#[tokio::test(start_paused = true)]
async fn messages_that_wait_for_their_batch_are_visible_again_at_once() {
    let clock = Clock::tokio();
    let (queue, function) = (queue(&clock), Function::new([]));
    let settings = QueueSettings {
        batching_window: Duration::from_mins(5),
        ..QueueSettings::default()
    };
    queue.send(None, "x");
    let mapping = start(&clock, &queue, function.clone(), settings, false);
    soon().await;
    mapping.stop().await;
    assert!(function.batches().is_empty());
    let mapping = start(
        &clock,
        &queue,
        function.clone(),
        QueueSettings::default(),
        false,
    );
    soon().await;
    assert!(queue.is_empty(), "it was not hidden");
    mapping.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_queue_is_settled_once_it_is_empty_and_never_after_a_stop() {
    let clock = Clock::tokio();
    let takes = Duration::from_secs(3);
    let (queue, function) = (queue(&clock), Function::taking(takes, []));
    let mapping = start(
        &clock,
        &queue,
        function.clone(),
        QueueSettings::default(),
        false,
    );
    queue.send(None, "x");
    let watch = mapping.watch();
    assert!(watch.settled().await);
    assert_eq!(queue.deleted(), ["m0"]);
    queue.send(None, "y");
    let settled = tokio::spawn(async move { watch.settled().await });
    soon().await;
    mapping.stop().await;
    assert!(!settled.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_pause_waits_for_the_invocation_and_the_mapping_continues_with_other_options() {
    let clock = Clock::tokio();
    let takes = Duration::from_mins(1);
    let queue = Memory::new(&clock, 2 * takes, None, 0);
    let function = Function::taking(takes, []);
    let first = queue.send(None, "x");
    let mapping = start(
        &clock,
        &queue,
        function.clone(),
        QueueSettings::default(),
        false,
    );
    soon().await;
    let paused = mapping.pause().await;
    assert_eq!(queue.deleted(), [first]);
    for _ in 0..3 {
        queue.send(None, "y");
    }
    soon().await;
    assert_eq!(function.batches().len(), 1, "it does not receive");
    let mapping = paused.resume(|context| context.settings.batch_size = 1);
    soon().await;
    assert_eq!(function.batches()[1..], [["m1"], ["m2"], ["m3"]]);
    assert_eq!(mapping.watch().status().received, 4, "counts continue");
    mapping.stop().await;
}
