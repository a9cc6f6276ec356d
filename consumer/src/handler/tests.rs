//! Which records of a batch are processed, and which one is reported.

use std::time::Duration;

use tokio::time::Instant;

use super::fixture::{LONG, World, batch, ids};

#[tokio::test(start_paused = true)]
async fn records_are_looked_up_concurrently_up_to_the_limit() {
    let names: Vec<String> = (0..100).map(|place| format!("place {place}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let world = World::with(&names);
    world.store.answer_after(Duration::from_millis(10));
    let began = Instant::now();
    let failures = world.handle(&batch(&names), LONG).await;
    assert!(failures.is_empty());
    assert_eq!(world.store.most_at_a_time(), 10);
    assert_eq!(began.elapsed(), Duration::from_millis(100));
}

#[tokio::test(start_paused = true)]
async fn records_are_printed_in_the_batch_s_order() {
    // Every other one is slow.
    let world = World::with(&["Car", "House", "Diner"]).cached(&["Car"]);
    world.store.answer_after(Duration::from_millis(10));
    let locations = ["House", "Car", "Diner", "Car"].repeat(10);
    world.handle(&batch(&locations), LONG).await;
    assert_eq!(world.processed(), ids(0..40));
}

#[tokio::test(start_paused = true)]
async fn a_batch_out_of_time_reports_the_first_unprocessed_record() {
    let world = World::with(&["Car", "House"]).cached(&["Car"]);
    world.store.answer_after(LONG);
    let began = Instant::now();
    let time = Duration::from_secs(2);
    let locations = ["Car", "Car", "House", "Car"];
    assert_eq!(world.handle(&batch(&locations), time).await, ["2"]);
    assert_eq!(began.elapsed(), time);
    assert_eq!(world.processed(), ids(0..2));
    assert_eq!(world.metric("RecordsRetryable"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_record_whose_location_cannot_be_read_is_reported() {
    for world in [World::with(&["Car"]), World::with(&["Car"]).coalescing()] {
        let world = world.cached(&["Car"]);
        world.store.fail(true);
        let locations = ["Car", "House", "Car", "Diner"];
        assert_eq!(world.handle(&batch(&locations), LONG).await, ["1"]);
        assert_eq!(world.processed(), ids(0..1));
        assert_eq!(world.metric("RecordsRetryable"), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_poison_record_is_reported_and_the_records_before_it_are_processed() {
    for poison in [
        &b"not JSON"[..],
        b"\xFF\xFE",
        b"",
        br#"{"id":"15","name":"Model One"}"#,
        br#"{"version":2}"#,
    ] {
        for world in [World::with(&["Car"]), World::with(&["Car"]).coalescing()] {
            let mut data = batch(&["Car"; 10]);
            data[4] = poison.to_vec();
            data[7] = poison.to_vec();
            assert_eq!(world.handle(&data, LONG).await, ["4"]);
            assert_eq!(world.processed(), ids(0..4));
            assert_eq!(world.metric("RecordsPoison"), 1);
            assert_eq!(world.metric("RecordsProcessed"), 4);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_location_longer_than_a_dynamodb_key_is_poison_and_fails_no_neighbour() {
    let too_long = "x".repeat(2049);
    for world in [World::with(&["Car"]), World::with(&["Car"]).coalescing()] {
        let locations = ["Car", "House", &too_long, "Diner"];
        assert_eq!(world.handle(&batch(&locations), LONG).await, ["2"]);
        assert_eq!(world.processed(), ids(0..2));
        assert_eq!(world.metric("RecordsPoison"), 1);
        assert_eq!(world.metric("RecordsRetryable"), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_before_a_poison_record_is_the_one_reported() {
    let world = World::with(&["Car"]);
    world.store.fail(true);
    let mut data = batch(&["Car"; 4]);
    data[2] = b"poison".to_vec();
    assert_eq!(world.handle(&data, LONG).await, ["0"]);
    assert_eq!(world.metric("RecordsPoison"), 0);
}

#[tokio::test(start_paused = true)]
async fn coalescing_asks_the_cache_once_for_each_distinct_key() {
    let locations = ["Car", "House", "Diner", "Moon"].repeat(25);
    let items = ["Car", "House", "Diner"];
    let each = World::with(&items);
    each.handle(&batch(&locations), LONG).await;
    assert_eq!(each.cache.gets(), 100);

    let world = World::with(&items).coalescing();
    world.handle(&batch(&locations), LONG).await;
    assert_eq!(world.cache.gets(), 4);
    assert_eq!(world.store.reads().len(), 1);
    assert_eq!(world.processed(), ids(0..100));
    assert_eq!(world.processed(), each.processed());
}

#[tokio::test(start_paused = true)]
async fn a_coalesced_batch_out_of_time_processes_the_locations_it_found() {
    let world = World::with(&["Car", "House"]).cached(&["Car"]).coalescing();
    world.store.answer_after(LONG);
    let locations = ["Car", "Car", "House", "Car"];
    let time = Duration::from_secs(2);
    assert_eq!(world.handle(&batch(&locations), time).await, ["2"]);
    assert_eq!(world.processed(), ids(0..2));
}

#[tokio::test(start_paused = true)]
async fn every_line_has_the_trace_ids() {
    let world = World::with(&["Car"]);
    world.handle(&batch(&["Car"; 3]), LONG).await;
    let lines = world.lines.0.lock().unwrap();
    // Three records, counts, series.
    assert_eq!(lines.len(), 5);
    for line in &*lines {
        assert_eq!(line["trace_id"], "0123", "{line}");
        assert_eq!(line["xray_trace_id"], "Root=1-x", "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn hits_and_misses_add_up_to_the_gets() {
    let world = World::with(&["Car", "House"]).cached(&["Car"]);
    world.handle(&batch(&["Car", "House", "Moon"]), LONG).await;
    world.handle(&batch(&["Car", "House", "Moon"]), LONG).await;
    let counted = ["CacheHits", "CacheMisses", "CacheNegativeHits"];
    assert_eq!(counted.map(|name| world.metric(name)), [3, 2, 1]);
    assert_eq!(world.cache.gets(), 6);
    assert_eq!(world.store.reads().len(), 2);
    assert_eq!(world.metric("BatchSize"), 6);
}
