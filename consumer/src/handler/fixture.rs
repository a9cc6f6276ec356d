//! A handler with a fake cache and store, and batches for it.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_lambda_events::{event::kinesis::KinesisEvent, streams::KinesisEventResponse};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::Handler;
use crate::{
    cache_aside::CacheAside,
    config::{Coalesce, EmfConfig, Handling},
    entry::Entry,
    fakes::{FakeCache, FakeStore, item},
    invocation::Invocation,
    metrics::{Metrics, emf::Emf},
    output::Output,
    ttl::Ttl,
};

pub const LONG: Duration = Duration::from_hours(1);

/// Collects lines.
#[derive(Default)]
pub struct Lines(pub Mutex<Vec<Value>>);

impl Output for Lines {
    fn write(&self, line: &[u8]) {
        let line = line.strip_suffix(b"\n").expect("a whole line");
        let line = serde_json::from_slice(line).expect("JSON");
        self.0.lock().unwrap().push(line);
    }
}

pub struct World {
    pub cache: FakeCache,
    pub store: FakeStore,
    pub lines: Arc<Lines>,
    handling: Handling,
}

impl World {
    pub fn with(items: &[&str]) -> Self {
        Self {
            cache: FakeCache::default(),
            store: FakeStore::with(items),
            lines: Arc::default(),
            handling: Handling {
                concurrency: 10,
                coalesce: Coalesce::Record,
                margin: Duration::ZERO,
            },
        }
    }

    pub fn coalescing(mut self) -> Self {
        self.handling.coalesce = Coalesce::Batch;
        self
    }

    pub fn cached(self, names: &[&str]) -> Self {
        for name in names {
            let value = Entry::Present(item(name)).encode().unwrap();
            self.cache.put(name, &value, LONG);
        }
        self
    }

    /// Handles a batch, and returns the reported sequence numbers.
    pub async fn handle(&self, data: &[Vec<u8>], time: Duration) -> Vec<String> {
        let metrics = Arc::new(Metrics::default());
        let ttl = Ttl {
            present: LONG,
            absent: LONG,
            jitter_percent: 0,
        };
        let emf = Emf(EmfConfig {
            namespace: "Test".to_owned(),
            function: "consumer".to_owned(),
        });
        let handler = Handler::new(
            CacheAside::new(&self.cache, &self.store, ttl, metrics.clone()),
            self.handling,
            metrics,
            Some(emf),
            self.lines.clone(),
        );
        let invocation = Invocation {
            request_id: "request".to_owned(),
            deadline: Instant::now() + time,
            xray_trace_id: Some("Root=1-x".to_owned()),
            trace_id: Some("0123".to_owned()),
        };
        reported(&handler.handle(&event(data), &invocation).await)
    }

    /// The ids of the processed records, in the order of their lines.
    pub fn processed(&self) -> Vec<String> {
        let lines = self.lines.0.lock().unwrap();
        let processed = lines.iter().filter(|line| line["message"] == "processed");
        let id = |line: &Value| line["before"]["id"].as_str().unwrap().to_owned();
        processed.map(id).collect()
    }

    /// The sum of a metric over all lines.
    pub fn metric(&self, name: &str) -> u64 {
        let lines = self.lines.0.lock().unwrap();
        lines.iter().filter_map(|line| line[name].as_u64()).sum()
    }
}

fn reported(response: &KinesisEventResponse) -> Vec<String> {
    let failures = response.batch_item_failures.iter();
    let identifier = |failure: &aws_lambda_events::streams::KinesisBatchItemFailure| {
        failure.item_identifier.clone().expect("a sequence number")
    };
    failures.map(identifier).collect()
}

/// The event of these records. Record `n` has the sequence number `n`.
fn event(data: &[Vec<u8>]) -> KinesisEvent {
    use base64::Engine;
    let base64 = base64::engine::general_purpose::STANDARD;
    let record = |(index, data): (usize, &Vec<u8>)| {
        json!({
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": "key",
                "sequenceNumber": index.to_string(),
                "data": base64.encode(data),
                "approximateArrivalTimestamp": 1_700_000_000.123,
            },
        })
    };
    let records: Vec<Value> = data.iter().enumerate().map(record).collect();
    serde_json::from_value(json!({ "Records": records })).unwrap()
}

/// The data of one record from each location. Record `n` has the id `n`.
pub fn batch(locations: &[&str]) -> Vec<Vec<u8>> {
    let reading = |(index, location): (usize, &&str)| {
        json!({
            "id": index.to_string(),
            "name": "Model One",
            "location": location,
            "writeTime": "2026-11-22T10:20:30.123456Z",
        })
        .to_string()
        .into_bytes()
    };
    locations.iter().enumerate().map(reading).collect()
}

pub fn ids(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|id| id.to_string()).collect()
}
