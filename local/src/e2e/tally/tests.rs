//! Tests of the tally.

use super::Tally;
use bytes::Bytes;
use event_source_mapping::{
    batch::Prepared,
    observer::{Invoked, Observer},
    retry_state::{Condition, Discarded},
    source::Record,
    target::{ErrorKind, FunctionError, Reply},
};
use std::time::Duration;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

const SHARD: &str = "shardId-000000000000";

fn records(numbers: std::ops::Range<u32>, arrived: OffsetDateTime) -> Vec<Prepared> {
    let record = |number: u32| Record {
        sequence_number: number.to_string(),
        partition_key: "key".to_owned(),
        data: Bytes::new(),
        arrived,
    };
    numbers
        .map(|number| Prepared::observed(record(number)))
        .collect()
}

fn invoke(tally: &Tally, mapping: &str, records: &[Prepared], done: usize) {
    replied(tally, mapping, records, done, &Reply::Success(Bytes::new()));
}

fn replied(tally: &Tally, mapping: &str, records: &[Prepared], done: usize, reply: &Reply) {
    tally.invoked(&Invoked {
        mapping,
        shard: SHARD,
        request_id: "request",
        retry: false,
        records,
        done,
        elapsed: Duration::ZERO,
        reply,
    });
}

#[test]
fn records_of_earlier_runs_are_not_counted() {
    let tally = Tally::of(["mapping"]);
    let before = OffsetDateTime::now_utc() - Duration::from_secs(10);
    let mut batch = records(0..3000, before);
    batch.extend(records(3000..3050, OffsetDateTime::now_utc()));
    invoke(&tally, "mapping", &batch, batch.len());
    assert_eq!(tally.settled(), 50);
    assert_eq!(tally.totals(50).processed, 50);
}

#[test]
fn a_record_is_settled_when_every_mapping_has_settled_it() {
    let tally = Tally::of(["works", "fails"]);
    let batch = records(0..10, OffsetDateTime::now_utc());
    invoke(&tally, "works", &batch, 10);
    invoke(&tally, "fails", &batch, 0);
    assert_eq!((tally.settled(), tally.totals(10).processed), (0, 0));
    let discarded = Discarded {
        records: 0..10,
        condition: Condition::RetryAttemptsExhausted,
        invocations: 1,
    };
    tally.discarded("fails", SHARD, &batch, &discarded);
    tally.discarded("of another stream", SHARD, &batch, &discarded);
    assert_eq!(tally.settled(), 10);
    let totals = tally.totals(10);
    assert_eq!((totals.processed, totals.discarded), (0, 10));
    assert_eq!(
        (totals.mappings[1].processed, totals.mappings[0].discarded),
        (10, 10)
    );
}

#[test]
fn a_retry_is_a_try_beyond_the_first_and_a_throttled_invocation_is_none() {
    let tally = Tally::of(["mapping"]);
    let batch = records(0..3, OffsetDateTime::now_utc());
    replied(&tally, "mapping", &batch, 0, &Reply::Throttled);
    invoke(&tally, "mapping", &batch, 1);
    invoke(&tally, "mapping", &batch[1..], 2);
    let totals = tally.totals(3);
    assert_eq!((totals.processed, totals.retries), (3, 2));
    assert_eq!(totals.first_failure, None, "it was processed in the end");
}

#[test]
fn the_first_failing_record_has_the_function_s_error() {
    let tally = Tally::of(["mapping"]);
    let batch = records(0..3, OffsetDateTime::now_utc());
    invoke(&tally, "mapping", &batch, 1);
    let error = FunctionError::new(ErrorKind::Handled, "ValueError", "no location");
    replied(
        &tally,
        "mapping",
        &batch[1..],
        0,
        &Reply::FunctionError(error),
    );
    let discarded = Discarded {
        records: 0..2,
        condition: Condition::RetryAttemptsExhausted,
        invocations: 2,
    };
    tally.discarded("mapping", SHARD, &batch[1..], &discarded);
    let totals = tally.totals(4);
    assert_eq!(totals.mappings[0].lost, 1, "never seen");
    let failure = totals.first_failure.unwrap();
    assert_eq!((failure.sequence_number.as_str(), failure.tries), ("1", 2));
    assert_eq!(failure.condition, Some("RetryAttemptsExhausted"));
    assert_eq!(failure.error.as_deref(), Some("ValueError: no location"));
}

#[test]
fn latency_counts_from_a_write_time_of_this_run_and_else_from_the_arrival() {
    let tally = Tally::of(["mapping"]);
    let now = OffsetDateTime::now_utc();
    let mut batch = records(0..3, now);
    let stamped = |time: OffsetDateTime| {
        let time = time.format(&Rfc3339).unwrap();
        Bytes::from(format!("{{\"writeTime\":\"{time}\"}}"))
    };
    batch[0].record.data = stamped(now);
    // Recorded long ago, and played again.
    batch[1].record.data = stamped(now - Duration::from_hours(1));
    invoke(&tally, "mapping", &batch, 3);
    let totals = tally.totals(3);
    let from = totals.latency_from;
    assert_eq!((from.write_time, from.arrival), (1, 2));
    assert!(totals.latency_us.max() < 60_000_000);
}

#[test]
fn a_record_is_settled_where_it_is_filtered_out() {
    let tally = Tally::of(["filters", "takes"]);
    let batch = records(0..2, OffsetDateTime::now_utc());
    invoke(&tally, "takes", &batch[..1], 1);
    for prepared in &batch {
        tally.filtered("filters", SHARD, &prepared.record);
    }
    assert_eq!(tally.settled(), 1);
    tally.filtered("takes", SHARD, &batch[1].record);
    assert_eq!(tally.settled(), 2);
    let totals = tally.totals(2);
    assert_eq!((totals.processed, totals.filtered), (1, 1));
}
