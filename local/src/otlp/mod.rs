//! Sends the journeys of records as traces, and the seconds' samples as metrics, to an
//! OpenTelemetry collector: OTLP/HTTP with protobuf (OpenTelemetry Protocol Specification,
//! "OTLP/HTTP").
//!
//! An invocation of a stream's mapping is one trace, and its id is that of the X-Ray trace
//! header that the function gets ([`ids`]). [`spans`] says which spans a trace has. Nothing
//! of the pipeline waits for the collector: [`queue`] has a bound, and drops the oldest.

mod attributes;
mod collector;
mod exporter;
mod ids;
mod metrics;
mod parts;
mod queue;
mod resources;
mod sender;
mod spans;

pub use collector::{Collector, CollectorError, HEADERS_VARIABLE};
pub use exporter::Exporter;
