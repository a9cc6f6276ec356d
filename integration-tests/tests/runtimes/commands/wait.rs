//! `klocal wait`.

use anyhow::ensure;
use integration_tests::patience::{eventually, same};

use super::{World, stderr};

pub async fn wait_returns_when_every_record_is_processed() -> anyhow::Result<()> {
    let world = World::start().await?;
    same(
        "of nothing",
        stderr(&world.local(&["wait"]).await?, 0)?.as_str(),
        "",
    )?;
    let gate = world.folder.path().join("gate");
    world.put(&format!("hold:{}", gate.display())).await?;
    eventually("the record is held", || gate.exists(), |held| *held).await?;
    let unsettled = stderr(&world.local(&["wait", "--timeout=1"]).await?, 1)?;
    ensure!(
        unsettled
            .starts_with("error: records are not settled after 1 s\nMapping: orders → moody\n"),
        "{unsettled}"
    );
    ensure!(unsettled.contains("shardId-000000000000"), "{unsettled}");
    std::fs::remove_file(&gate)?;
    for _ in 0..20 {
        world.put("ok").await?;
    }
    stderr(&world.local(&["wait"]).await?, 0)?;
    let url = format!("{}/_local/status", world.embedded.lambda.url());
    let status: serde_json::Value = reqwest::get(&url).await?.json().await?;
    let shard = &status["mappings"][0]["shards"]["shardId-000000000000"];
    same("records", &shard["records"], &21.into())?;
    same("pending", &shard["pending"], &0.into())?;
    world.stop().await;
    Ok(())
}

pub async fn wait_fails_once_for_each_discarded_batch_and_names_it() -> anyhow::Result<()> {
    let world = World::start().await?;
    world.put("ok").await?;
    let number = world.put("error").await?;
    let discarded = stderr(&world.local(&["wait"]).await?, 1)?;
    same(
        "stderr",
        discarded.as_str(),
        &format!(
            "error: 1 batch was discarded (1 record)\n  Mapping shardId-000000000000: {number}: RetryAttemptsExhausted: &alloc::boxed::Box<dyn core::error::Error + core::marker::Send + core::marker::Sync>: failing on purpose\nhint: `klocal failures list` has their invocation records\n"
        ),
    )?;
    world.put("ok").await?;
    stderr(&world.local(&["wait"]).await?, 0)?;
    world.stop().await;
    Ok(())
}
