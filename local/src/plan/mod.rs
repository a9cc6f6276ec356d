//! From a rate of records to what AWS needs for it: shards, concurrency, requests, and
//! what they cost.

pub mod prices;

use std::time::Duration;

use kinesis_engine::{SHARD_WRITE_BYTES, SHARD_WRITE_RECORDS};
use serde::Serialize;

use self::prices::Cost;

/// The largest `ParallelizationFactor` (Lambda API reference,
/// `CreateEventSourceMapping`).
const MAX_PARALLEL: f64 = 10.0;

/// Concurrent executions of an account and region, unless raised (Lambda developer
/// guide, "Lambda quotas").
const ACCOUNT_CONCURRENCY: f64 = 1000.0;

/// Momento operations a second in a region, unless raised (Momento documentation,
/// "Service quotas").
const MOMENTO_OPERATIONS: f64 = 100.0;

/// Reads a second that a new on-demand table serves at once (DynamoDB developer guide,
/// "On-demand capacity mode").
const NEW_TABLE_READS: f64 = 12_000.0;

/// What is known of the load and of the function.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Load {
    /// Records a second.
    pub rate: f64,
    /// Bytes of a record, with its partition key.
    pub size: f64,
    /// The share of cache gets that hit, 0 to 1.
    pub hit_ratio: f64,
    /// Records of a batch.
    pub batch: f64,
    /// How long the function takes for such a batch.
    pub duration: Duration,
    /// The function's memory, MB.
    pub memory_mb: u32,
    /// The function's reserved concurrency.
    pub reserved_concurrency: Option<u32>,
    /// Shards that the template names.
    pub shards: Option<u32>,
}

/// What the load needs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// Shards.
    pub shards: u64,
    /// Why not fewer.
    pub shards_for: &'static str,
    /// `ParallelizationFactor`.
    pub parallelization_factor: u64,
    /// Invocations a second.
    pub invocations: f64,
    /// Invocations at the same time.
    pub concurrency: u64,
    /// Requests to the cache a second: a get for each record, a set for each miss.
    pub cache_requests: f64,
    /// Reads of the table a second: one for each miss.
    pub table_reads: f64,
    /// Limits that the load is beyond, the first one first.
    pub limits: Vec<Limit>,
    /// Cost of a million records, US dollars.
    pub cost: Cost,
}

/// A limit, and the rate at which it is reached.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Limit {
    /// What is limited.
    pub what: String,
    /// Records a second at which it is reached.
    pub at: f64,
}

impl Plan {
    /// The plan for a load.
    #[must_use]
    pub fn of(load: &Load) -> Self {
        let seconds = load.duration.as_secs_f64();
        let (by_records, by_bytes) = (
            load.rate / f64::from(SHARD_WRITE_RECORDS),
            load.rate * load.size / f64::from(SHARD_WRITE_BYTES),
        );
        // A shard has at most ten batches in flight.
        let by_function = load.rate * seconds / (load.batch * MAX_PARALLEL);
        let needs = [
            (by_records, "1,000 records/s a shard"),
            (by_bytes, "1 MiB/s a shard"),
            (
                by_function,
                "the function's duration, with 10 batches a shard",
            ),
        ];
        let mut most = needs[0];
        for need in needs {
            if need.0 > most.0 {
                most = need;
            }
        }
        let shards = most.0.ceil().max(1.0);
        let parallel = (load.rate * seconds / (load.batch * shards)).ceil();
        let invocations = load.rate / load.batch;
        let misses = load.rate * (1.0 - load.hit_ratio);
        Self {
            shards: whole(shards),
            shards_for: most.1,
            parallelization_factor: whole(parallel.clamp(1.0, MAX_PARALLEL)),
            invocations,
            concurrency: whole((invocations * seconds).ceil().max(1.0)),
            cache_requests: load.rate + misses,
            table_reads: misses,
            limits: limits(load),
            cost: Cost::of_a_million(load, shards),
        }
    }
}

/// Limits below the load's rate, the lowest first.
fn limits(load: &Load) -> Vec<Limit> {
    let seconds = load.duration.as_secs_f64();
    let miss_ratio = 1.0 - load.hit_ratio;
    let mut limits = Vec::new();
    let mut limit = |what: String, at: f64| {
        if at < load.rate {
            limits.push(Limit { what, at });
        }
    };
    if let Some(shards) = load.shards {
        let shards = f64::from(shards);
        let what = format!("{shards} shards of the template");
        let records = f64::from(SHARD_WRITE_RECORDS);
        let of_bytes = f64::from(SHARD_WRITE_BYTES) / load.size;
        limit(what, shards * records.min(of_bytes));
    }
    let (concurrency, whose) = match load.reserved_concurrency {
        Some(reserved) => (f64::from(reserved), "the function's reserved concurrency"),
        None => (
            ACCOUNT_CONCURRENCY,
            "the account's concurrency, unless raised",
        ),
    };
    limit(
        format!("{concurrency} {whose}"),
        concurrency * load.batch / seconds,
    );
    limit(
        format!("{MOMENTO_OPERATIONS} Momento operations/s, unless raised"),
        MOMENTO_OPERATIONS / (1.0 + miss_ratio),
    );
    limit(
        format!("{NEW_TABLE_READS} reads/s of a new on-demand table"),
        NEW_TABLE_READS / miss_ratio,
    );
    limits.sort_by(|one, other| one.at.total_cmp(&other.at));
    limits
}

/// A count, from a number that is whole and not negative.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn whole(number: f64) -> u64 {
    number as u64
}

#[cfg(test)]
mod tests {
    use super::{Load, Plan};
    use std::time::Duration;

    fn load() -> Load {
        Load {
            rate: 50_000.0,
            size: 300.0,
            hit_ratio: 0.9,
            batch: 100.0,
            duration: Duration::from_millis(20),
            memory_mb: 128,
            reserved_concurrency: None,
            shards: None,
        }
    }

    #[test]
    fn small_records_need_a_shard_for_each_thousand_a_second() {
        let plan = Plan::of(&load());
        assert_eq!(
            (plan.shards, plan.shards_for),
            (50, "1,000 records/s a shard")
        );
        assert_eq!((plan.parallelization_factor, plan.concurrency), (1, 10));
        assert!((plan.invocations - 500.0).abs() < 1e-6);
        assert!((plan.cache_requests - 55_000.0).abs() < 1e-6);
        assert!((plan.table_reads - 5_000.0).abs() < 1e-6);
    }

    #[test]
    fn large_records_need_a_shard_for_each_mebibyte_a_second() {
        let plan = Plan::of(&Load {
            size: 10_240.0,
            ..load()
        });
        assert_eq!((plan.shards, plan.shards_for), (489, "1 MiB/s a shard"));
    }

    #[test]
    fn a_slow_function_needs_parallel_batches_and_then_more_shards() {
        let slow = |milliseconds| {
            Plan::of(&Load {
                duration: Duration::from_millis(milliseconds),
                ..load()
            })
        };
        assert_eq!(
            (slow(500).shards, slow(500).parallelization_factor),
            (50, 5)
        );
        assert_eq!(
            (slow(2000).shards, slow(2000).parallelization_factor),
            (100, 10)
        );
        assert_eq!(slow(2000).concurrency, 1000);
    }

    #[test]
    fn the_limits_that_the_load_is_beyond_come_in_the_order_in_which_it_reaches_them() {
        let plan = Plan::of(&Load {
            shards: Some(4),
            reserved_concurrency: Some(1),
            ..load()
        });
        let reached: Vec<_> = plan
            .limits
            .iter()
            .map(|limit| limit.what.as_str())
            .collect();
        assert_eq!(
            reached,
            [
                "100 Momento operations/s, unless raised",
                "4 shards of the template",
                "1 the function's reserved concurrency",
            ]
        );
        assert!(
            (plan.limits[1].at - 3495.25).abs() < 1.0 || (plan.limits[1].at - 4000.0).abs() < 1.0
        );
    }

    #[test]
    fn a_million_records_cost_less_when_more_of_them_hit() {
        let cost = |hit_ratio| {
            let plan = Plan::of(&Load {
                hit_ratio,
                ..load()
            });
            plan.cost
        };
        assert!(cost(0.99).dynamodb < cost(0.5).dynamodb);
        // 500,000 misses, half a read request unit each.
        assert!((cost(0.5).dynamodb - 0.03125).abs() < 1e-9);
    }
}
