//! Rotation of the API key while the function runs.

use anyhow::ensure;
use integration_tests::patience::same;
use momento_offline::faults::Fault;

use crate::world::{Builder, Programs};

/// A v1 key without any rights. It ends in a line feed, as a pasted key may.
const NEW_KEY: &str = "eyJlbmRwb2ludCI6ImNlbGwuaW52YWxpZCIsImFwaV9rZXkiOiJub3QtYS1yZWFsLWtleSJ9\n";

pub async fn a_refused_api_key_is_read_again_once_and_no_record_is_lost(
    programs: Programs,
) -> anyhow::Result<()> {
    let world = Builder::new(programs)
        .variable("CACHE_TTL_SECONDS", "3600")
        .variable("CACHE_BREAKER_OPEN_MS", "1")
        .start()
        .await?;
    world.write(&["Car"]).await?;
    world.processed(1).await?;
    let before = world.key_reads()?;
    world.replace_key(NEW_KEY).await?;
    world.cache()?.fault(Fault::AuthFailure).await?;
    world.write(&["Car"; 100]).await?;
    let seen = world.processed(101).await?;
    same("sources", &seen.sources()[1..], &["store"; 100])?;
    same("discarded", &seen.discarded, &vec![])?;
    same("reads of the key", world.key_reads()? - before, 1)?;

    // From here the function uses a client with the new key, trimmed.
    world.cache()?.no_fault().await?;
    let mut count = 101;
    loop {
        world.write(&["Car"]).await?;
        count += 1;
        if world.processed(count).await?.sources().last() == Some(&"cache") {
            break;
        }
        ensure!(count < 300, "{count} records, and still no cache hit");
    }
    same("reads of the key", world.key_reads()? - before, 1)?;
    world.stop().await;
    Ok(())
}
