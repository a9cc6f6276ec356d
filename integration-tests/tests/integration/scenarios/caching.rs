//! Cache hits, cache misses and reads of the table.

use anyhow::ensure;
use integration_tests::patience::{PATIENCE, same};
use momento_offline::counters::Counts;
use tokio::time::Instant;

use crate::world::{Builder, Programs, World};

pub async fn the_first_read_of_a_location_misses_and_later_ones_hit(
    programs: Programs,
) -> anyhow::Result<()> {
    let world = Builder::new(programs)
        .variable("CACHE_TTL_SECONDS", "3600")
        .start()
        .await?;

    world.write(&["Car", "House", "Diner"]).await?;
    let seen = world.processed(3).await?;
    same("sources", seen.sources(), vec!["store"; 3])?;
    same("store reads", world.store_reads().await?, 3)?;

    world
        .write(&["Car", "Diner", "House", "Car", "Car"])
        .await?;
    let seen = world.processed(8).await?;
    same("sources", &seen.sources()[3..], &["cache"; 5])?;
    same("store reads", world.store_reads().await?, 3)?;
    same(
        "location of a hit",
        &seen.processed[3]["after"]["location"],
        &serde_json::json!({
            "location": "Car",
            "description": "Car description",
            "notes": "Car notes",
        }),
    )?;
    same(
        "cache requests",
        world.cache_counts().await?,
        Counts {
            get: 8,
            hit: 5,
            miss: 3,
            set: 3,
            ..Counts::default()
        },
    )?;
    world.stop().await;
    Ok(())
}

pub async fn a_location_misses_again_after_its_ttl(programs: Programs) -> anyhow::Result<()> {
    let world = Builder::new(programs)
        .variable("CACHE_TTL_SECONDS", "1")
        .start()
        .await?;

    let mut sources = expiring(&world, "Car", "store").await?;
    sources.retain(|source| source != "cache");
    same("sources", sources, vec!["store".to_owned(); 2])?;
    same("misses", world.cache_counts().await?.miss, 2)?;
    same("store reads", world.store_reads().await?, 2)?;
    world.stop().await;
    Ok(())
}

/// Writes records of `location`, one after another, until an item comes from `source`
/// for the second time. Returns the sources of all items.
pub async fn expiring(world: &World, location: &str, source: &str) -> anyhow::Result<Vec<String>> {
    let deadline = Instant::now() + PATIENCE;
    for written in 1.. {
        ensure!(Instant::now() < deadline, "the cached item does not expire");
        world.write(&[location]).await?;
        let seen = world.processed(written).await?;
        let sources = seen.sources();
        if written > 1 && sources.last() == Some(&source) {
            return Ok(sources.into_iter().map(str::to_owned).collect());
        }
    }
    unreachable!("the loop is infinite")
}

pub async fn an_unknown_location_is_processed_without_an_item(
    programs: Programs,
) -> anyhow::Result<()> {
    let world = Builder::new(programs).start().await?;
    world.write(&["Moon"]).await?;
    let seen = world.processed(1).await?;
    same("sources", seen.sources(), vec!["nowhere"])?;
    same(
        "location",
        &seen.processed[0]["after"]["location"],
        &serde_json::json!({ "location": "Moon" }),
    )?;
    same("discarded", seen.discarded, vec![])?;
    world.stop().await;
    Ok(())
}
