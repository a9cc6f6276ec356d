//! Events at fixed times.

use std::sync::Arc;

use local::events::{
    BatchDiscarded, BatchInvoked, BatchRedriven, Error, Event, EventKind, InvocationEnded,
    MessagesInvoked, Outcome, ShardEnd,
};
use time::{Duration, OffsetDateTime, macros::datetime};

const REQUEST: &str = "8476a536-e9f4-11e8-9739-2dfe598c3fcd";
const FIRST: &str = "49590338271490256608559692538361571095921575989136588898";
const LAST: &str = "49590338271490256608559692540925702759324208523137515618";

/// A time on the day of all these events.
pub fn at(milliseconds: i64) -> OffsetDateTime {
    datetime!(2026-01-01 10:00:00 UTC) + Duration::milliseconds(milliseconds)
}

pub fn event(milliseconds: i64, kind: EventKind) -> Arc<Event> {
    let time = at(milliseconds);
    Arc::new(Event { time, kind })
}

pub fn log(milliseconds: i64, function: &str, text: &str) -> Arc<Event> {
    let kind = EventKind::Log {
        function: function.into(),
        environment: 1,
        text: text.into(),
    };
    event(milliseconds, kind)
}

/// An invocation of `orders-worker` that has processed its records.
pub fn ok(records: u64) -> BatchInvoked {
    BatchInvoked {
        mapping: "OrdersMapping".into(),
        function: "orders-worker".into(),
        shard: "shardId-000000000000".into(),
        request_id: REQUEST.into(),
        retry: false,
        records,
        processed: records,
        partition_key: "customer-7".into(),
        start_sequence_number: FIRST.into(),
        end_sequence_number: LAST.into(),
        duration_ms: 4.213,
        outcome: Outcome::Ok,
        error: None,
    }
}

/// One that has not, for this reason.
pub fn failed(outcome: Outcome, kind: &str, message: &str) -> BatchInvoked {
    BatchInvoked {
        processed: 0,
        duration_ms: 12.4,
        outcome,
        error: Some(Error {
            kind: kind.into(),
            message: message.into(),
        }),
        ..ok(10)
    }
}

pub fn invoked(milliseconds: i64, batch: BatchInvoked) -> Arc<Event> {
    event(milliseconds, EventKind::BatchInvoked(batch))
}

/// An invocation with messages of a queue.
pub fn messages(milliseconds: i64, messages: u64, error: Option<&str>) -> Arc<Event> {
    let outcome = match error {
        None => Outcome::Ok,
        Some(_) => Outcome::Partial,
    };
    let kind = EventKind::MessagesInvoked(MessagesInvoked {
        mapping: "DiscardedMapping".into(),
        function: "audit".into(),
        queue: "discarded-orders".into(),
        request_id: REQUEST.into(),
        messages,
        processed: messages - u64::from(error.is_some()),
        message_id: "059f36b4-87a3-44ab-83d2-661975830a7d".into(),
        receive_count: if error.is_some() { 2 } else { 1 },
        duration_ms: 3.5,
        outcome,
        error: error.map(|message| Error {
            kind: String::new(),
            message: message.into(),
        }),
    });
    event(milliseconds, kind)
}

pub fn retry(milliseconds: i64, failures: u32, wait_ms: f64) -> Arc<Event> {
    let kind = EventKind::RetryScheduled {
        mapping: "OrdersMapping".into(),
        function: "orders-worker".into(),
        shard: "shardId-000000000000".into(),
        failures,
        wait_ms,
    };
    event(milliseconds, kind)
}

pub fn discarded(milliseconds: i64) -> Arc<Event> {
    let kind = EventKind::BatchDiscarded(BatchDiscarded {
        mapping: "OrdersMapping".into(),
        function: "orders-worker".into(),
        shard: "shardId-000000000000".into(),
        records: 1,
        start_sequence_number: FIRST.into(),
        end_sequence_number: FIRST.into(),
        condition: "RetryAttemptsExhausted".into(),
        error: Some("OrderError: customer-7 has no order 12".into()),
        id: Some("019b7a3e-6c4e-7d02-9a37-3d1f5a0c2b11".into()),
    });
    event(milliseconds, kind)
}

fn redriven(milliseconds: i64) -> Arc<Event> {
    let kind = EventKind::BatchRedriven(BatchRedriven {
        function: "orders-worker".into(),
        shard: "shardId-000000000000".into(),
        records: 1,
        id: "019b7a3e-6c4e-7d02-9a37-3d1f5a0c2b11".into(),
    });
    event(milliseconds, kind)
}

fn direct(milliseconds: i64, function: &str, outcome: Outcome) -> Arc<Event> {
    let kind = EventKind::InvocationEnded(InvocationEnded {
        function: function.into(),
        environment: Some(1),
        request_id: REQUEST.into(),
        by_mapping: false,
        duration_ms: 1_234.5,
        outcome,
        error: None,
    });
    event(milliseconds, kind)
}

fn shard(milliseconds: i64, number: u32) -> Arc<Event> {
    let kind = EventKind::ShardOpened {
        mapping: "OrdersMapping".into(),
        function: "orders-worker".into(),
        shard: format!("shardId-{number:012}"),
    };
    event(milliseconds, kind)
}

fn shard_closed(milliseconds: i64) -> Arc<Event> {
    let kind = EventKind::ShardClosed {
        mapping: "OrdersMapping".into(),
        function: "orders-worker".into(),
        shard: "shardId-000000000001".into(),
        why: ShardEnd::Processed,
    };
    event(milliseconds, kind)
}

const PROCESSED: &str = r#"{"timestamp":"2026-01-01T10:00:01.120Z","level":"INFO","message":"processed","source":"cache","before":{"id":"2Cz"},"request_id":"8476a536-e9f4-11e8-9739-2dfe598c3fcd","xray_trace_id":"Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700"}"#;
const POWERTOOLS: &str = r#"{"level":"WARNING","location":"handler:42","message":"the price of order 11 is missing; the list price is charged","timestamp":"2026-01-01 10:00:02,100+0000","service":"orders","order_id":11,"cold_start":false,"function_name":"orders-worker","function_memory_size":"128"}"#;
const EXCEPTION: &str = r#"{"level":"ERROR","location":"handler:57","message":"order 12 cannot be booked","timestamp":"2026-01-01 10:00:03,100+0000","service":"orders","exception":"Traceback (most recent call last):\n  File \"/var/task/app.py\", line 55, in handler\n    book(order)\nOrderError: customer-7 has no order 12","exception_name":"OrderError"}"#;
const METRICS: &str = r#"{"_aws":{"Timestamp":1767261601000,"CloudWatchMetrics":[{"Namespace":"orders","Dimensions":[["service"]],"Metrics":[{"Name":"CacheHit","Unit":"Count"},{"Name":"CacheMiss","Unit":"Count"},{"Name":"WriteToRead","Unit":"Milliseconds"}]}]},"service":"orders","CacheHit":9,"CacheMiss":1,"WriteToRead":2.4}"#;

/// A bit of everything.
pub fn of_a_minute() -> Vec<Arc<Event>> {
    let started = |function: &str| EventKind::EnvironmentStarted {
        function: function.into(),
        environment: 1,
        init_ms: 212.3,
    };
    let received = EventKind::InvocationStarted {
        function: "orders-worker".into(),
        environment: 1,
        request_id: REQUEST.into(),
        by_mapping: true,
        trace: String::new(),
    };
    let partial = BatchInvoked {
        processed: 7,
        ..failed(
            Outcome::Partial,
            "",
            "batch item failures from sequence number 49590338271490256608559692540925702759324208523137515618",
        )
    };
    let single = BatchInvoked {
        retry: true,
        ..ok(1)
    };
    let ended = EventKind::EnvironmentEnded {
        function: "orders-worker".into(),
        environment: 1,
    };
    vec![
        event(0, started("audit")),
        event(1, started("orders-worker")),
        shard(20, 0),
        shard(20, 1),
        event(1_100, received),
        log(1_120, "orders-worker", PROCESSED),
        log(1_121, "orders-worker", METRICS),
        invoked(1_123, ok(10)),
        log(2_100, "orders-worker", POWERTOOLS),
        invoked(2_110, partial),
        retry(2_110, 1, 52.0),
        invoked(2_300, single),
        log(3_100, "orders-worker", EXCEPTION),
        invoked(
            3_110,
            failed(
                Outcome::Error,
                "OrderError",
                "customer-7 has no order 12\nTraceback (most recent call last):\n  File \"/var/task/app.py\", line 55, in handler",
            ),
        ),
        retry(3_110, 2, 104.0),
        discarded(4_000),
        redriven(4_050),
        log(
            5_000,
            "audit",
            "plain text of a function, as it is, however long it may be: it is cut on a terminal and whole in a pipe",
        ),
        log(
            5_001,
            "audit",
            "[DEBUG]\t2026-01-01T10:00:05.001Z\t8476a536-e9f4-11e8-9739-2dfe598c3fcd\ta detail",
        ),
        direct(5_100, "audit", Outcome::Ok),
        direct(5_200, "audit", Outcome::Throttled),
        log(
            6_000,
            "orders-worker",
            "thread 'main' (7) panicked at src/book.rs:55:13:",
        ),
        log(
            6_000,
            "orders-worker",
            "index out of bounds: the len is 3 but the index is 7",
        ),
        log(6_000, "orders-worker", "stack backtrace:"),
        log(6_000, "orders-worker", "   0: __rustc::rust_begin_unwind"),
        log(
            6_000,
            "orders-worker",
            "             at /rustc/library/std/src/panicking.rs:698:5",
        ),
        log(6_001, "orders-worker", "the next line"),
        invoked(
            6_002,
            failed(
                Outcome::Exit,
                "Runtime.ExitError",
                "RequestId: 8476a536 Error: Runtime exited with error: exit status: 101",
            ),
        ),
        event(6_003, ended),
        shard_closed(7_000),
        event(8_000, EventKind::Dropped { events: 1_200 }),
    ]
}
