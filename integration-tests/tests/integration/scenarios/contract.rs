//! The record's JSON: a contract between the producer and the consumer.

use anyhow::Context;
use consumer::record::Reading;
use integration_tests::patience::same;

use crate::world::{Programs, reading};

pub async fn the_consumer_reads_the_producer_s_records(_: Programs) -> anyhow::Result<()> {
    for _ in 0..100 {
        let written = producer::record::Reading::random();
        let wire = serde_json::to_vec(&written)?;
        let read: Reading<'_> = serde_json::from_slice(&wire).context("the consumer's reading")?;
        same("id", &*read.id, &*written.id)?;
        same("location", &*read.location, written.location)?;
        same("write time", read.write_time, written.write_time)?;
    }
    // The other scenarios' records must be like the producer's.
    serde_json::from_slice::<Reading>(&reading(1, "Car")).context("the scenarios' record")?;
    Ok(())
}
