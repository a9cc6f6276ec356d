//! The bounds of what is kept.

use std::sync::Arc;

use bytes::Bytes;
use time::{Duration, OffsetDateTime};

use super::{
    State, Status,
    kept::{MOST_BYTES, MOST_RECORDS},
};
use crate::events::{
    BatchInvoked, Detail, Error, Event, EventKind, Happened, Outcome, Records, SeenRecord,
};

fn seen(number: usize, bytes: usize) -> SeenRecord {
    SeenRecord {
        shard: "shardId-000000000000".into(),
        sequence_number: format!("{number}"),
        partition_key: "k".to_owned(),
        data: Bytes::from(vec![b'x'; bytes]),
        arrived: None,
    }
}

fn apply(state: &mut State, detail: Detail) {
    apply_at(state, OffsetDateTime::now_utc(), detail);
}

fn apply_at(state: &mut State, time: OffsetDateTime, detail: Detail) {
    state.apply(&Happened::Detail(Arc::new((time, detail))));
}

fn publish_at(state: &mut State, time: OffsetDateTime, kind: EventKind) {
    state.apply(&Happened::Event(Arc::new(Event { time, kind })));
}

fn line(text: &str) -> EventKind {
    EventKind::Log {
        function: "f".to_owned(),
        environment: 1,
        text: text.to_owned(),
    }
}

fn put(state: &mut State, numbers: std::ops::Range<usize>, bytes: usize) {
    let records = numbers.map(|number| seen(number, bytes)).collect();
    let stream = "orders".into();
    apply(state, Detail::RecordsPut { stream, records });
}

fn records(number: usize) -> Records {
    Records {
        mapping: "m".to_owned(),
        function: "f".to_owned(),
        stream: "orders".into(),
        shard: "shardId-000000000000".to_owned(),
        sequence_numbers: [&*number.to_string()].into_iter().collect(),
    }
}

/// An invocation with record 0 begins.
fn begin(state: &mut State, time: OffsetDateTime, request_id: &str, retry: bool) {
    let request_id = request_id.to_owned();
    let records = records(0);
    let invoking = Detail::Invoking {
        records,
        request_id,
        retry,
    };
    apply_at(state, time, invoking);
}

/// It has failed.
fn end(state: &mut State, time: OffsetDateTime, request_id: &str, retry: bool) {
    let batch = BatchInvoked {
        mapping: "m".to_owned(),
        function: "f".to_owned(),
        shard: "shardId-000000000000".to_owned(),
        request_id: request_id.to_owned(),
        retry,
        records: 1,
        processed: 0,
        partition_key: "k".to_owned(),
        start_sequence_number: "0".to_owned(),
        end_sequence_number: "0".to_owned(),
        duration_ms: 1.0,
        outcome: Outcome::Error,
        error: Some(Error::read(b"{}")),
    };
    let invoked = Detail::Invoked {
        stream: "orders".into(),
        batch,
        records: vec![seen(0, 1)],
        response: None,
    };
    apply_at(state, time, invoked);
}

fn fail(state: &mut State, request_id: &str, retry: bool) {
    begin(state, OffsetDateTime::now_utc(), request_id, retry);
    end(state, OffsetDateTime::now_utc(), request_id, retry);
}

#[test]
fn the_newest_records_are_kept() {
    let mut state = State::default();
    put(&mut state, 0..MOST_RECORDS + 5, 1);
    assert_eq!(state.records.len(), MOST_RECORDS);
    assert!(state.records.find(None, "4").is_none());
    assert!(state.records.find(Some("orders"), "5").is_some());
    assert!(state.records.find(Some("other"), "5").is_none());
    let (newest, _) = state.records.newest().next().unwrap();
    assert_eq!(newest, MOST_RECORDS as u64 + 4);
}

#[test]
fn a_record_that_is_still_retried_is_kept_while_newer_ones_displace_others() {
    let mut state = State::default();
    put(&mut state, 0..2, 1);
    fail(&mut state, "first", false);
    put(&mut state, 2..MOST_RECORDS + 5, 1);
    assert!(state.records.find(None, "1").is_none());
    assert_eq!(state.records.len(), MOST_RECORDS + 1);
    fail(&mut state, "second", true);
    let record = state.records.find(None, "0").unwrap();
    assert_eq!((record.status(), record.tries), (Status::Retrying, 2));
    let oldest = state.records.newest().last().unwrap();
    assert_eq!((oldest.0, &*oldest.1.sequence_number), (0, "0"));
}

#[test]
fn a_failed_record_is_to_be_remembered_once_it_is_settled_and_its_log_lines_have_come() {
    let mut state = State::default();
    put(&mut state, 0..2, 1);
    fail(&mut state, "r", false);
    assert_eq!(state.records.take_ended(f64::INFINITY), None);
    let condition = "RetryAttemptsExhausted";
    let records = records(0);
    apply(&mut state, Detail::Discarded { records, condition });
    let at = state.records.get(0).unwrap().settled_at().unwrap();
    assert_eq!(state.records.take_ended(at), None);
    assert_eq!(state.records.take_ended(at + 1000.0), Some(0));
    assert_eq!(state.records.take_ended(at + 2000.0), None);
}

#[test]
fn large_records_are_kept_up_to_a_bound_of_bytes() {
    let mut state = State::default();
    for number in 0..100 {
        put(&mut state, number..number + 1, 1024 * 1024);
        assert!(state.records.bytes() <= MOST_BYTES);
    }
    assert_eq!(state.records.len(), 31);
}

#[test]
fn a_record_that_is_retried_for_hours_keeps_its_first_and_last_steps() {
    let mut state = State::default();
    put(&mut state, 0..1, 1);
    for attempt in 0..30_000 {
        fail(&mut state, &attempt.to_string(), attempt > 0);
    }
    let record = state.records.find(None, "0").unwrap();
    assert_eq!(record.tries, 30_000);
    assert!(record.marks.len() <= 256 && record.omitted > 29_000);
    assert_eq!(record.status(), Status::Retrying);
    assert!(state.invocations.kept() <= 20_000);
}

#[test]
fn the_lines_of_an_invocation_end_where_the_next_one_in_its_environment_begins() {
    let mut state = State::default();
    put(&mut state, 0..1, 1);
    let at = |milliseconds| OffsetDateTime::UNIX_EPOCH + Duration::milliseconds(milliseconds);
    for (start, id) in [(0, "first"), (4, "second")] {
        begin(&mut state, at(start), id, start > 0);
        let started = EventKind::InvocationStarted {
            function: "f".to_owned(),
            environment: 1,
            request_id: id.to_owned(),
            by_mapping: true,
            trace: String::new(),
        };
        publish_at(&mut state, at(start + 1), started);
        publish_at(&mut state, at(start + 2), line(id));
        end(&mut state, at(start + 3), id, start > 0);
    }
    // It is written within five milliseconds of the end of both.
    publish_at(&mut state, at(8), line("late"));
    let lines = |number| {
        let lines = state.lines_of(number).map(|line| line.text.clone());
        lines.collect::<Vec<_>>()
    };
    assert_eq!(lines(0), ["first"]);
    assert_eq!(lines(1), ["second", "late"]);
}

#[test]
fn log_lines_are_kept_up_to_a_bound_of_bytes() {
    let mut state = State::default();
    let text = "é".repeat(5000);
    for _ in 0..10_000 {
        publish_at(&mut state, OffsetDateTime::now_utc(), line(&text));
    }
    let lines = state.rings.lines(("f", 1), 0.0, f64::INFINITY);
    let lines: Vec<_> = lines.map(|line| line.text.len()).collect();
    assert!(lines.iter().sum::<usize>() <= 8 * 1024 * 1024);
    assert!(lines.len() > 1000 && lines.iter().all(|bytes| *bytes <= 4096));
}

#[test]
fn a_page_is_told_of_the_records_that_changed_last() {
    let mut state = State::default();
    put(&mut state, 0..3, 1);
    let seen = state.records.changes();
    assert_eq!(state.records.changed_since(seen, 2), (Vec::new(), 0));
    fail(&mut state, "r", false);
    let (changed, skipped) = state.records.changed_since(seen, 2);
    assert_eq!((changed.len(), skipped), (1, 0));
    assert_eq!(changed[0].status, Status::Retrying);
    let (changed, skipped) = state.records.changed_since(0, 2);
    let numbers: Vec<_> = changed.iter().map(|one| &*one.sequence_number).collect();
    assert_eq!((numbers, skipped), (vec!["0", "2"], 1));
    put(&mut state, 3..9000, 1);
    let (changed, skipped) = state.records.changed_since(0, 100);
    assert_eq!(changed.len(), 100);
    assert!(skipped > 8000, "{skipped}");
}
