//! `klocal clock`.

use anyhow::{Context, ensure};
use aws_wire::DEFAULT_REGION;
use integration_tests::patience::same;
use loopback_client::sdk_config;

use super::{TEMPLATE, World, stderr, stdout};

pub async fn a_batching_window_ends_when_the_clock_is_advanced() -> anyhow::Result<()> {
    let window = "BatchSize: 100\n      MaximumBatchingWindowInSeconds: 300";
    let world = World::of(&TEMPLATE.replace("BatchSize: 1", window)).await?;
    world.put("ok").await?;
    let waits = stderr(&world.local(&["wait", "--timeout=1"]).await?, 1)?;
    ensure!(waits.contains("not settled"), "{waits}");
    let moved = stdout(&world.local(&["clock", "advance", "5m"]).await?, 0)?;
    ensure!(moved.ends_with("Z (moved by 5m)\n"), "{moved}");
    stderr(&world.local(&["wait"]).await?, 0)?;
    world.stop().await;
    Ok(())
}

pub async fn iterators_expire_and_records_pass_their_retention_when_the_clock_is_advanced()
-> anyhow::Result<()> {
    let world = World::start().await?;
    world.put("ok").await?;
    stderr(&world.local(&["wait"]).await?, 0)?;
    let sdk = sdk_config(&world.embedded.aws.url(), DEFAULT_REGION);
    let kinesis = aws_sdk_kinesis::Client::new(&sdk);
    let iterator = || async {
        let iterator = kinesis
            .get_shard_iterator()
            .stream_name("orders")
            .shard_id("shardId-000000000000")
            .shard_iterator_type(aws_sdk_kinesis::types::ShardIteratorType::TrimHorizon);
        anyhow::Ok(iterator.send().await?.shard_iterator)
    };
    let read = |iterator| kinesis.get_records().set_shard_iterator(iterator).send();
    let first = iterator().await?;
    same("kept", &read(first.clone()).await?.records.len(), &1)?;

    stdout(&world.local(&["clock", "advance", "6m"]).await?, 0)?;
    let expired = read(first).await.err().context("the iterator is valid")?;
    ensure!(
        expired.into_service_error().is_expired_iterator_exception(),
        "another error"
    );
    stdout(&world.local(&["clock", "advance", "24h"]).await?, 0)?;
    same(
        "past retention",
        &read(iterator().await?).await?.records.len(),
        &0,
    )?;
    // What is written now is processed as ever.
    world.put("ok").await?;
    stderr(&world.local(&["wait"]).await?, 0)?;
    let shown = stdout(&world.local(&["clock"]).await?, 0)?;
    ensure!(shown.ends_with("Z (moved by 1day 6m)\n"), "{shown}");
    let wrong = stderr(&world.local(&["clock", "advance", "10"]).await?, 2)?;
    ensure!(
        wrong.contains("expected a duration with its unit"),
        "{wrong}"
    );
    world.stop().await;
    Ok(())
}
