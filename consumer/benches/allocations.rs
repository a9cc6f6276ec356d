//! Counts the function's allocations per record, for a batch whose locations are
//! all cached. Fakes replace the SDKs, so their allocations do not count.
//!
//! Run it with `cargo bench --bench allocations`. The counts do not depend on the
//! machine.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{collections::HashMap, sync::Arc, time::Duration};

use aws_lambda_events::event::kinesis::KinesisEvent;
use base64::{Engine, engine::general_purpose::STANDARD};
use consumer::{
    cache::{Cache, CacheError},
    cache_aside::CacheAside,
    config::{Coalesce, Handling},
    handler::Handler,
    invocation::Invocation,
    metrics::Metrics,
    output::Output,
    store::{Read, Store},
    ttl::Ttl,
};
use serde_json::{Value, json};
use tokio::time::Instant;

const RECORDS: usize = 100;
const LOCATIONS: [&str; 3] = ["Car", "House", "Diner"];

/// A cache that has every location.
struct Full;

impl Cache for Full {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, CacheError> {
        let value = format!(
            r#"{{"location":"{key}","description":"{key} description","notes":"{key} notes"}}"#
        );
        Ok(Some(value.into_bytes()))
    }

    async fn set(&self, _: &str, _: &[u8], _: Duration) -> Result<(), CacheError> {
        Ok(())
    }
}

/// A store that nothing may ask.
struct Unasked;

impl Store for Unasked {
    async fn read(&self, _: &str) -> Read {
        unreachable!("every location is cached")
    }

    async fn read_many(&self, _: &[&str], _: &mut HashMap<String, Read>) {
        unreachable!("every location is cached")
    }
}

struct Nowhere;

impl Output for Nowhere {
    fn write(&self, _: &[u8]) {}
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    let event = event();
    println!("allocations per record, batch of {RECORDS}, every location cached:");
    for (name, coalesce) in [("record", Coalesce::Record), ("batch", Coalesce::Batch)] {
        let handler = handler(coalesce);
        let invocation = Invocation {
            request_id: "request".to_owned(),
            deadline: Instant::now() + Duration::from_hours(1),
            xray_trace_id: None,
            trace_id: None,
        };
        let handle = || {
            let response = runtime.block_on(handler.handle(&event, &invocation));
            assert!(response.batch_item_failures.is_empty());
        };
        // The first batch allocates buffers that later ones reuse.
        handle();
        let counted = allocation_counter::measure(handle);
        println!(
            "  CACHE_COALESCE={name:<7} {:>6.2} allocations  {:>7.0} bytes",
            per_record(counted.count_total),
            per_record(counted.bytes_total)
        );
    }
}

#[allow(clippy::cast_precision_loss)] // far below 2^52
fn per_record(total: u64) -> f64 {
    total as f64 / RECORDS as f64
}

fn handler(coalesce: Coalesce) -> Handler<Full, Unasked> {
    let metrics = Arc::new(Metrics::default());
    let ttl = Ttl {
        present: Duration::from_secs(10),
        absent: Duration::from_secs(2),
        jitter_percent: 10,
    };
    let handling = Handling {
        concurrency: 16,
        coalesce,
        margin: Duration::ZERO,
    };
    let locations = CacheAside::new(Full, Unasked, ttl, metrics.clone());
    Handler::new(locations, handling, metrics, None, Arc::new(Nowhere))
}

fn event() -> KinesisEvent {
    let record = |index: usize| {
        let data = json!({
            "id": format!("2Nd5{index}"),
            "name": "Model One",
            "location": LOCATIONS[index % LOCATIONS.len()],
            "writeTime": "2026-11-22T10:20:30.123456Z",
        });
        json!({ "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "key",
            "sequenceNumber": index.to_string(),
            "data": STANDARD.encode(data.to_string()),
            "approximateArrivalTimestamp": 1_700_000_000.123,
        } })
    };
    let records: Vec<Value> = (0..RECORDS).map(record).collect();
    serde_json::from_value(json!({ "Records": records })).expect("an event")
}
