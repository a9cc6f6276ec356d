//! A cache that fails: the function reads the table, and no record fails.

use std::time::Duration;

use integration_tests::patience::same;
use momento_offline::faults::Fault;

use crate::world::{Builder, Programs, World};

const RECORDS: [&str; 6] = ["Car", "House", "Diner", "Car", "House", "Diner"];

/// Checks that every record is processed with its item from the table.
async fn served_by_the_table(world: World) -> anyhow::Result<()> {
    world.write(&RECORDS).await?;
    let seen = world.processed(RECORDS.len()).await?;
    same("sources", seen.sources(), vec!["store"; RECORDS.len()])?;
    same("discarded", &seen.discarded, &vec![])?;
    for (line, location) in seen.processed.iter().zip(RECORDS) {
        let item = &line["after"]["location"];
        let expected = format!("{location} description");
        same(
            "description",
            item["description"].as_str(),
            Some(&*expected),
        )?;
    }
    world.stop().await;
    Ok(())
}

pub async fn a_cache_that_is_down_fails_no_record(programs: Programs) -> anyhow::Result<()> {
    let mut world = Builder::new(programs).start().await?;
    world.stop_cache().await?;
    served_by_the_table(world).await
}

pub async fn a_cache_that_is_down_at_init_fails_no_record(
    programs: Programs,
) -> anyhow::Result<()> {
    // Nothing listens on port 1. Stopping the cache would be too late: init is over by
    // then.
    let world = Builder::new(programs)
        .variable("CACHE_STUB_URL", "http://127.0.0.1:1")
        .variable("CACHE_STUB_PROTOSOCKET_URL", "127.0.0.1:1")
        .start()
        .await?;
    served_by_the_table(world).await
}

pub async fn a_slow_cache_fails_no_record(programs: Programs) -> anyhow::Result<()> {
    let world = Builder::new(programs)
        .variable("CACHE_TIMEOUT_MS", "20")
        .start()
        .await?;
    let slow = Fault::latency(Duration::from_secs(30));
    world.cache()?.fault(slow).await?;
    served_by_the_table(world).await
}

pub async fn a_rate_limited_cache_fails_no_record(programs: Programs) -> anyhow::Result<()> {
    let world = Builder::new(programs).start().await?;
    world.cache()?.fault(Fault::rate_limit(0.0)).await?;
    served_by_the_table(world).await
}

pub async fn a_corrupt_cached_value_counts_as_a_miss_and_is_overwritten(
    programs: Programs,
) -> anyhow::Result<()> {
    let world = Builder::new(programs).start().await?;
    let corrupt = b"\xFFnot an item";
    world.cache()?.set("sample-a", "Car", corrupt).await?;
    world.write(&["Car"]).await?;
    world.processed(1).await?;
    world.write(&["Car"]).await?;
    let seen = world.processed(2).await?;
    same("sources", seen.sources(), vec!["store", "cache"])?;
    world.stop().await;
    Ok(())
}
