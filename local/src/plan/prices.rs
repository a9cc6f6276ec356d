//! List prices of us-east-1, US dollars, without taxes, free tiers and discounts.
//!
//! They are those of 2025 and are not fetched: this machine may have no network. Check
//! the pages before you decide on them.

use serde::Serialize;

use super::Load;

/// A shard for an hour (aws.amazon.com/kinesis/data-streams/pricing, provisioned mode).
const SHARD_HOUR: f64 = 0.015;
/// A million PUT payload units of 25 KB (the same page).
const PUT_UNITS: f64 = 0.014;
/// Bytes of a PUT payload unit.
const PUT_UNIT: f64 = 25_000.0;
/// A million requests (aws.amazon.com/lambda/pricing).
const REQUESTS: f64 = 0.20;
/// A GB-second on x86 (the same page).
const GB_SECOND: f64 = 0.000_016_666_7;
/// A million read request units, on demand (aws.amazon.com/dynamodb/pricing/on-demand).
const READ_UNITS: f64 = 0.125;
/// Read request units of an eventually consistent read of up to 4 KB.
const READ_UNITS_OF_A_READ: f64 = 0.5;

/// When the prices were read.
pub const DATE: &str = "2025";

const MILLION: f64 = 1_000_000.0;

/// Cost of a million records, US dollars. Momento's is missing, as it depends on the
/// plan; so are storage, data transfer and logs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Cost {
    /// Kinesis: shards and PUT payload units.
    pub kinesis: f64,
    /// Lambda: requests and GB-seconds.
    pub lambda: f64,
    /// DynamoDB: reads.
    pub dynamodb: f64,
}

impl Cost {
    /// The cost of a million records of this load on so many shards.
    pub(super) fn of_a_million(load: &Load, shards: f64) -> Self {
        let hours = MILLION / load.rate / 3600.0;
        let units = (load.size / PUT_UNIT).ceil();
        let invocations = MILLION / load.batch;
        let gigabytes = f64::from(load.memory_mb) / 1024.0;
        // Lambda bills whole milliseconds.
        let billed = (load.duration.as_secs_f64() * 1000.0).ceil() / 1000.0;
        let reads = MILLION * (1.0 - load.hit_ratio);
        Self {
            kinesis: shards * hours * SHARD_HOUR + units * PUT_UNITS,
            lambda: invocations / MILLION * REQUESTS + invocations * billed * gigabytes * GB_SECOND,
            dynamodb: reads * READ_UNITS_OF_A_READ / MILLION * READ_UNITS,
        }
    }

    /// All of it.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.kinesis + self.lambda + self.dynamodb
    }
}
