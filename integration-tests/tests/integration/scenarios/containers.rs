//! Scenarios that only containers can run: a part restarts, crashes or freezes.

use anyhow::ensure;
use futures_util::future::join_all;
use integration_tests::patience::{PATIENCE, same};
use serde_json::json;
use tokio::time::Instant;

use crate::world::{Builder, Programs, World, reading};

pub async fn the_mapping_continues_after_localstack_restarts_without_its_state(
    programs: Programs,
) -> anyhow::Result<()> {
    let mut world = Builder::new(programs).keeps_ports().start().await?;
    world.write(&["Car"; 5]).await?;
    world.processed(5).await?;
    // LocalStack then has a new stream of the same name. The mapping's checkpoints mean
    // nothing to it: its sequence numbers start again.
    world.containers()?.restart_localstack().await?;
    world.write(&["House"; 5]).await?;
    let seen = world.processed(10).await?;
    same("discarded", seen.discarded, vec![])?;
    world.stop().await;
    Ok(())
}

pub async fn no_record_is_lost_when_the_emulator_crashes(programs: Programs) -> anyhow::Result<()> {
    let mut world = Builder::new(programs).keeps_ports().start().await?;
    world.write(&["Car"; 100]).await?;
    world.settled(100).await?;

    // Concurrent invocations crash the emulator.
    let containers = world.containers()?;
    let invoke = || reqwest::Client::new().post(containers.invoke_url.clone());
    let deadline = Instant::now() + PATIENCE;
    while containers.function_restarts()? == 0 {
        ensure!(Instant::now() < deadline, "the emulator does not crash");
        join_all((0..4).map(|_| invoke().body("{}").send())).await;
    }

    for _ in 0..4 {
        world.write(&["House"; 250]).await?;
    }
    let seen = world.settled(1100).await?;
    same("done", seen.done.len(), 1100)?;
    same("discarded", seen.discarded, vec![])?;
    world.stop().await;
    Ok(())
}

pub async fn a_discarded_batch_is_in_the_on_failure_queue(
    programs: Programs,
) -> anyhow::Result<()> {
    let mut world = Builder::new(programs).start().await?;
    let data = [reading(0, "Car"), b"not JSON".to_vec(), reading(2, "House")];
    world.write_data(&data).await?;
    world.settled(3).await?;
    let documents = world.containers()?.discarded().await?;
    same("documents", documents.len(), 1)?;
    let condition = &documents[0]["requestContext"]["condition"];
    same("condition", condition, &json!("RetryAttemptsExhausted"))?;
    let records = &documents[0]["KinesisBatchInfo"]["batchSize"];
    same("records", records, &json!(1))?;
    world.stop().await;
    Ok(())
}

pub async fn a_frozen_cache_fails_no_record(programs: Programs) -> anyhow::Result<()> {
    let mut world = Builder::new(programs)
        .variable("CACHE_TIMEOUT_MS", "100")
        .variable("CACHE_TTL_SECONDS", "3600")
        .start()
        .await?;
    world.containers()?.freeze_cache().await?;
    world.write(&["Car", "House", "Diner"]).await?;
    let seen = world.processed(3).await?;
    same("sources", seen.sources(), vec!["store"; 3])?;

    world.containers()?.thaw_cache().await?;
    served_by_the_cache_again(&world, 3).await?;
    world.stop().await;
    Ok(())
}

pub async fn ports_are_published_on_loopback_alone(programs: Programs) -> anyhow::Result<()> {
    let mut world = Builder::new(programs).start().await?;
    let published = world.containers()?.published()?;
    ensure!(published.len() >= 3, "published: {published:?}");
    let loopback = |address: &&String| address.starts_with("127.0.0.1:");
    same(
        "on loopback",
        published.iter().filter(loopback).count(),
        published.len(),
    )?;
    world.stop().await;
    Ok(())
}

/// Writes one record after another until the cache has a record's item.
async fn served_by_the_cache_again(world: &World, already: usize) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    for written in already.. {
        ensure!(Instant::now() < deadline, "still no cache hit");
        world.write(&["Car"]).await?;
        let seen = world.processed(written + 1).await?;
        if seen.sources().last() == Some(&"cache") {
            break;
        }
    }
    Ok(())
}
