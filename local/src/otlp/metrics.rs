//! The samples of the seconds as metrics. Counts are cumulative sums from the start of the
//! export, which receivers of any kind can use; what is measured is a gauge.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    common::v1::KeyValue,
    metrics::v1::{
        AggregationTemporality, Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum,
        metric::Data, number_data_point::Value,
    },
    resource::v1::Resource,
};

use super::{
    attributes::{fraction, text},
    parts::nanoseconds,
    queue::Dropped,
    resources::scope,
};
use crate::page::sample::{Percentiles, Sample, ShardSample};

/// The sums of all samples so far, and the last one.
pub(super) struct Metrics {
    resource: Resource,
    /// Milliseconds since 1970.
    start: f64,
    sums: Sums,
    /// Records put and processed, by stream and shard.
    shards: BTreeMap<(String, String), (u64, u64)>,
    last: Sample,
}

#[derive(Default)]
struct Sums {
    put: u64,
    processed: u64,
    filtered: u64,
    discarded: u64,
    invocations: u64,
    errors: u64,
    retries: u64,
    hits: u64,
    misses: u64,
    cache_errors: u64,
    store_reads: u64,
    dropped: u64,
}

impl Metrics {
    /// Metrics from `start` on, milliseconds since 1970.
    pub(super) fn new(resource: Resource, start: f64) -> Self {
        Self {
            resource,
            start,
            sums: Sums::default(),
            shards: BTreeMap::new(),
            last: Sample::default(),
        }
    }

    /// The time of the last sample, milliseconds since 1970.
    pub(super) fn time(&self) -> u64 {
        self.last.time
    }

    /// Adds a sample.
    pub(super) fn add(&mut self, sample: &Sample) {
        let sums = &mut self.sums;
        sums.put += sample.put;
        sums.processed += sample.processed;
        sums.filtered += sample.filtered;
        sums.discarded += sample.discarded;
        sums.invocations += sample.invocations;
        sums.errors += sample.errors;
        sums.retries += sample.retries;
        sums.hits += sample.hits;
        sums.misses += sample.misses;
        sums.cache_errors += sample.cache_errors;
        sums.store_reads += sample.store_reads;
        sums.dropped += sample.dropped;
        for shard in &sample.shards {
            let key = (shard.stream.clone(), shard.shard.clone());
            let (put, processed) = self.shards.entry(key).or_default();
            *put += shard.put;
            *processed += shard.processed;
        }
        self.last = sample.clone();
    }

    /// The request, and how many data points it has.
    pub(super) fn request(&self, dropped: Dropped) -> (ExportMetricsServiceRequest, u64) {
        let mut metrics = self.counts(dropped);
        metrics.extend(self.gauges());
        metrics.retain(|metric| points(metric) > 0);
        let items = metrics.iter().map(points).sum();
        let scope_metrics = ScopeMetrics {
            scope: Some(scope()),
            metrics,
            ..ScopeMetrics::default()
        };
        let resource_metrics = ResourceMetrics {
            resource: Some(self.resource.clone()),
            scope_metrics: vec![scope_metrics],
            ..ResourceMetrics::default()
        };
        let request = ExportMetricsServiceRequest {
            resource_metrics: vec![resource_metrics],
        };
        (request, items)
    }

    fn counts(&self, dropped: Dropped) -> Vec<Metric> {
        let sums = &self.sums;
        let state = |state: &str| vec![text("klocal.state", state)];
        let outcome = |outcome: &str| vec![text("klocal.outcome", outcome)];
        let signal = |signal: &str| vec![text("klocal.signal", signal)];
        let of_shards = self
            .shards
            .iter()
            .flat_map(|((stream, shard), (put, processed))| {
                let of = |state: &str| {
                    let mut attributes = place(stream, shard);
                    attributes.push(text("klocal.state", state));
                    attributes
                };
                [(of("put"), *put), (of("processed"), *processed)]
            });
        vec![
            self.sum(
                "klocal.records",
                "{record}",
                "Records, by what became of them",
                [
                    (state("put"), sums.put),
                    (state("processed"), sums.processed),
                    (state("filtered"), sums.filtered),
                    (state("discarded"), sums.discarded),
                ],
            ),
            self.sum(
                "klocal.shard.records",
                "{record}",
                "Records of each shard",
                of_shards,
            ),
            self.sum(
                "faas.invocations",
                "{invocation}",
                "Invocations that have ended",
                [(Vec::new(), sums.invocations)],
            ),
            self.sum(
                "faas.errors",
                "{error}",
                "Invocations that failed",
                [(Vec::new(), sums.errors)],
            ),
            self.sum(
                "klocal.retries",
                "{invocation}",
                "Invocations of mappings that retried records",
                [(Vec::new(), sums.retries)],
            ),
            self.sum(
                "klocal.cache.gets",
                "{call}",
                "Reads of the cache",
                [(outcome("hit"), sums.hits), (outcome("miss"), sums.misses)],
            ),
            self.sum(
                "klocal.cache.errors",
                "{call}",
                "Calls that the cache refused",
                [(Vec::new(), sums.cache_errors)],
            ),
            self.sum(
                "klocal.store.reads",
                "{request}",
                "GetItem and BatchGetItem requests",
                [(Vec::new(), sums.store_reads)],
            ),
            self.sum(
                "klocal.events.dropped",
                "{event}",
                "Events that the recorder missed",
                [(Vec::new(), sums.dropped)],
            ),
            self.sum(
                "klocal.otlp.dropped",
                "{item}",
                "What was not exported",
                [
                    (signal("traces"), dropped.traces),
                    (signal("spans"), dropped.spans),
                    (signal("data points"), dropped.data_points),
                ],
            ),
        ]
    }

    fn gauges(&self) -> Vec<Metric> {
        let last = &self.last;
        let idle = last.environments.saturating_sub(last.in_flight);
        let state = |state: &str| vec![text("klocal.state", state)];
        let age = |one: &ShardSample| {
            let milliseconds = whole(one.iterator_age_ms);
            (place(&one.stream, &one.shard), milliseconds)
        };
        let memory = whole(last.memory_mib.saturating_mul(1024 * 1024));
        vec![
            self.gauge(
                "klocal.execution_environments",
                "{environment}",
                "Execution environments",
                [
                    (state("busy"), whole(last.in_flight as u64)),
                    (state("idle"), whole(idle as u64)),
                ],
            ),
            self.gauge(
                "klocal.record.latency",
                "ms",
                "From a record's put until it was processed, in the last second",
                quantiles(last.latency),
            ),
            self.gauge(
                "klocal.invocation.duration",
                "ms",
                "How long invocations took, in the last second",
                quantiles(last.invoke),
            ),
            self.gauge(
                "klocal.shard.iterator_age",
                "ms",
                "The largest iterator age of the shard's mappings",
                last.shards.iter().map(age),
            ),
            self.gauge(
                "process.memory.usage",
                "By",
                "Memory of klocal, without the functions",
                [(Vec::new(), memory)],
            ),
        ]
    }

    fn sum(
        &self,
        name: &str,
        unit: &str,
        description: &str,
        points: impl IntoIterator<Item = (Vec<KeyValue>, u64)>,
    ) -> Metric {
        let points = points.into_iter();
        let data_points = points.map(|(attributes, value)| self.point(attributes, whole(value)));
        metric(
            name,
            unit,
            description,
            Data::Sum(Sum {
                data_points: data_points.collect(),
                aggregation_temporality: AggregationTemporality::Cumulative as i32,
                is_monotonic: true,
            }),
        )
    }

    fn gauge(
        &self,
        name: &str,
        unit: &str,
        description: &str,
        points: impl IntoIterator<Item = (Vec<KeyValue>, Value)>,
    ) -> Metric {
        let points = points.into_iter();
        let data_points = points.map(|(attributes, value)| self.point(attributes, value));
        metric(
            name,
            unit,
            description,
            Data::Gauge(Gauge {
                data_points: data_points.collect(),
            }),
        )
    }

    fn point(&self, attributes: Vec<KeyValue>, value: Value) -> NumberDataPoint {
        NumberDataPoint {
            attributes,
            start_time_unix_nano: nanoseconds(self.start),
            time_unix_nano: self.last.time.saturating_mul(1_000_000),
            value: Some(value),
            ..NumberDataPoint::default()
        }
    }
}

fn metric(name: &str, unit: &str, description: &str, data: Data) -> Metric {
    Metric {
        name: name.to_owned(),
        unit: unit.to_owned(),
        description: description.to_owned(),
        data: Some(data),
        ..Metric::default()
    }
}

fn points(metric: &Metric) -> u64 {
    let points = match &metric.data {
        Some(Data::Sum(sum)) => sum.data_points.len(),
        Some(Data::Gauge(gauge)) => gauge.data_points.len(),
        _ => 0,
    };
    points as u64
}

fn whole(value: u64) -> Value {
    Value::AsInt(i64::try_from(value).unwrap_or(i64::MAX))
}

/// A second without any has no point.
fn quantiles(percentiles: Option<Percentiles>) -> Vec<(Vec<KeyValue>, Value)> {
    let quantile = |quantile| vec![fraction("klocal.quantile", quantile)];
    let points = percentiles.map(|percentiles| {
        vec![
            (quantile(0.5), Value::AsDouble(percentiles.p50)),
            (quantile(0.99), Value::AsDouble(percentiles.p99)),
        ]
    });
    points.unwrap_or_default()
}

/// The stream and the shard.
fn place(stream: &str, shard: &str) -> Vec<KeyValue> {
    vec![
        text("messaging.destination.name", stream),
        text("messaging.destination.partition.id", shard),
    ]
}
