//! Every fault of the cache, one after another, while records are processed.
//!
//! `CHAOS_RECORDS=65000` is the article's number. If the variable is set, the scenario
//! prints a table.

use std::{env, time::Duration};

use anyhow::{Context, ensure};
use integration_tests::patience::same;
use momento_offline::{faults::FaultRule, transport::Transport};
use tokio::time::Instant;

use crate::world::{Builder, Programs, World};

/// The number of records, all faults together, unless `CHAOS_RECORDS` sets it.
const RECORDS: usize = 6500;

/// The faults, in their short form. The first phase has none, for comparison.
const FAULTS: [&str; 10] = [
    "",
    "error=INTERNAL",
    "error=UNAVAILABLE,probability=0.5",
    "latency=20ms",
    "latency=p50:10ms/p99:200ms",
    "rate-limit=50",
    "black-hole,probability=0.2",
    "auth",
    "cache-missing",
    "drop,probability=0.1",
];

const LOCATIONS: [&str; 3] = ["Car", "House", "Diner"];

/// The measurements under one fault.
struct Phase {
    fault: &'static str,
    records: usize,
    took: Duration,
    store_reads: u64,
}

pub async fn every_record_gets_its_item_whatever_fault_the_cache_has(
    programs: Programs,
) -> anyhow::Result<()> {
    every_fault(programs, "record").await
}

pub async fn every_record_of_a_coalesced_batch_gets_its_item_whatever_fault_the_cache_has(
    programs: Programs,
) -> anyhow::Result<()> {
    every_fault(programs, "batch").await
}

async fn every_fault(programs: Programs, coalesce: &str) -> anyhow::Result<()> {
    let heading = format!("{:?}, coalesced by {coalesce}", programs.protocol);
    let asked = env::var("CHAOS_RECORDS").ok();
    let records = match &asked {
        Some(records) => records.parse().context("CHAOS_RECORDS is a number")?,
        None => RECORDS,
    };
    let world = Builder::new(programs)
        .shards(4)
        .cache_transport(Transport::Server)
        // The deployed value.
        .variable("CACHE_TIMEOUT_MS", "50")
        // No fault concerns the table. On a starved machine it answers late, which must not
        // use up a record's retries.
        .variable("STORE_TIMEOUT_MS", "20000")
        .variable("CACHE_COALESCE", coalesce)
        .start()
        .await?;
    let mut phases = Vec::new();
    let mut written = 0;
    for fault in FAULTS {
        let phase = phase(&world, fault, records / FAULTS.len(), written).await?;
        written += phase.records;
        phases.push(phase);
    }
    if asked.is_some() {
        print(&heading, &phases);
    }
    let seen = world.processed(written).await?;
    same("done", seen.done.len(), written)?;
    same("discarded", &seen.discarded, &vec![])?;
    for line in &seen.processed {
        let location = line["before"]["location"].as_str().unwrap_or_default();
        let item = line["after"]["location"]["description"].as_str();
        same("item", item, Some(&*format!("{location} description")))?;
    }
    for phase in &phases {
        // Single-flight works whatever the cache does.
        let Phase {
            fault,
            records,
            store_reads,
            ..
        } = phase;
        ensure!(
            store_reads * 2 <= *records as u64,
            "{fault}: {store_reads} reads for {records} records"
        );
    }
    world.stop().await;
    Ok(())
}

async fn phase(
    world: &World,
    fault: &'static str,
    records: usize,
    already: usize,
) -> anyhow::Result<Phase> {
    let cache = world.cache()?;
    if fault.is_empty() {
        cache.no_fault().await?;
    } else {
        let rule: FaultRule = fault.parse().map_err(anyhow::Error::msg)?;
        cache.fault(rule).await?;
    }
    let reads = world.store_reads().await?;
    let began = Instant::now();
    let locations: Vec<_> = LOCATIONS.into_iter().cycle().take(records).collect();
    world.write(&locations).await?;
    world.processed(already + records).await?;
    Ok(Phase {
        fault,
        records,
        took: began.elapsed(),
        store_reads: world.store_reads().await? - reads,
    })
}

#[allow(clippy::cast_precision_loss)] // approximate figures for a table
fn print(heading: &str, phases: &[Phase]) {
    let rate = |phase: &Phase| phase.records as f64 / phase.took.as_secs_f64();
    let undisturbed = phases.first().map_or(1.0, rate);
    eprintln!(
        "{heading}\n\n| fault | records/s | of undisturbed | table reads |\n|---|---|---|---|"
    );
    for phase in phases {
        let fault = if phase.fault.is_empty() {
            "none"
        } else {
            phase.fault
        };
        eprintln!(
            "| `{fault}` | {:.0} | {:.2} | {} |",
            rate(phase),
            rate(phase) / undisturbed,
            phase.store_reads
        );
    }
}
