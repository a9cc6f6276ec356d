//! Publishes what the streams, the caches and DynamoDB do.

use std::{sync::Arc, time::Duration};

use kinesis_engine::observer::PutRecord;
use momento_offline::{
    faults::FaultPlan,
    observer::{Called, Outcome},
};

use super::{
    CallOutcome, Detail, EventBus, EventKind, detail::SeenRecord, observers::milliseconds,
};

impl kinesis_engine::observer::Observer for EventBus {
    fn wants_records(&self) -> bool {
        self.is_recorded()
    }

    fn records_put(&self, stream: &str, records: Vec<PutRecord>) {
        let bytes = records.iter().map(|record| record.data.len()).sum();
        self.publish_large_detail(bytes, || Detail::RecordsPut {
            stream: stream.into(),
            records: records.into_iter().map(seen).collect(),
        });
    }

    fn shards_changed(&self, stream: &str) {
        self.publish(|| EventKind::ShardsChanged {
            stream: stream.to_owned(),
        });
    }
}

fn seen(record: PutRecord) -> SeenRecord {
    SeenRecord {
        shard: record.shard,
        sequence_number: record.sequence_number,
        partition_key: record.partition_key,
        data: record.data,
        arrived: None,
    }
}

impl momento_offline::observer::Observer for EventBus {
    fn wants_calls(&self) -> bool {
        self.is_recorded()
    }

    fn called(&self, called: &Called<'_>) {
        self.publish_detail(|| Detail::CacheCalled {
            cache: called.cache.to_owned(),
            operation: called.operation.to_owned(),
            key: called.key.to_vec(),
            outcome: match called.outcome {
                Outcome::Hit => CallOutcome::Hit,
                Outcome::Miss => CallOutcome::Miss,
                Outcome::Ok => CallOutcome::Ok,
                Outcome::Refused(code) => CallOutcome::Error(code.name()),
                Outcome::Fault(code) => CallOutcome::Fault(code.name()),
                Outcome::NoAnswer => CallOutcome::NoAnswer,
            },
            duration_ms: milliseconds(called.duration),
        });
    }

    fn faults_set(&self, plan: &FaultPlan) {
        self.publish(|| EventKind::FaultsSet {
            rules: plan.rules.iter().map(ToString::to_string).collect(),
        });
    }
}

/// Tells of requests to DynamoDB.
#[derive(Debug, Clone, Default)]
pub struct StoreObserver(Option<EventBus>);

impl StoreObserver {
    /// Publishes to `bus`.
    #[must_use]
    pub fn new(bus: EventBus) -> Self {
        Self(Some(bus))
    }

    /// Whether a recorder listens.
    #[must_use]
    pub fn wants_calls(&self) -> bool {
        self.0.as_ref().is_some_and(EventBus::is_recorded)
    }

    /// DynamoDB has answered `operation`, whose request is `body`.
    pub fn called(&self, operation: &str, body: &[u8], ok: bool, took: Duration) {
        let Some(bus) = &self.0 else { return };
        bus.publish_detail(|| {
            let (table, keys) = super::store_keys::of(body);
            Detail::StoreCalled {
                operation: operation.to_owned(),
                table,
                keys,
                ok,
                duration_ms: milliseconds(took),
            }
        });
    }
}

/// The bus as the observer of an engine's streams.
#[must_use]
pub fn of_streams(bus: &EventBus) -> kinesis_engine::observer::Observed {
    kinesis_engine::observer::Observed::by(Arc::new(bus.clone()))
}
