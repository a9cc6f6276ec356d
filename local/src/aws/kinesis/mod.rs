//! Kinesis Data Streams: an engine of our own.

pub mod arrivals;
