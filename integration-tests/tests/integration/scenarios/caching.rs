//! What is asked of the cache, and what of the table.

use local::momento::counters::Counts;

use crate::{
    patience::{eventually, same},
    world::{Builder, Programs},
};

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
    same("store reads", world.store_reads(), 3)?;

    world
        .write(&["Car", "Diner", "House", "Car", "Car"])
        .await?;
    let seen = world.processed(8).await?;
    same("sources", &seen.sources()[3..], &["cache"; 5])?;
    same("store reads", world.store_reads(), 3)?;
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
        world.cache_counts()?,
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

pub async fn after_its_ttl_a_location_misses_once_more(programs: Programs) -> anyhow::Result<()> {
    let world = Builder::new(programs)
        .variable("CACHE_TTL_SECONDS", "1")
        .start()
        .await?;

    world.write(&["Car"]).await?;
    world.processed(1).await?;
    let cache = world.cache()?;
    let expired = || cache.get("sample-a", b"Car").ok().flatten().is_none();
    eventually("the item expired", expired, |expired| *expired).await?;

    world.write(&["Car"]).await?;
    let seen = world.processed(2).await?;
    same("sources", seen.sources(), vec!["store"; 2])?;
    same("misses", world.cache_counts()?.miss, 2)?;
    same("store reads", world.store_reads(), 2)?;
    world.stop().await;
    Ok(())
}

pub async fn an_unknown_location_is_processed_and_not_cached_as_present(
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
    same("given up", seen.given_up, vec![])?;
    world.stop().await;
    Ok(())
}
