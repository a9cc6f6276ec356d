//! A function that fails: the mapping retries its batch.

use std::time::Duration;

use integration_tests::patience::same;

use crate::world::{Builder, Programs};

const FAILURES: u64 = 3;

async fn nothing_is_lost(programs: Programs, mode: &str) -> anyhow::Result<()> {
    let world = Builder::new(programs)
        .failing(mode, FAILURES)
        .function_timeout(Duration::from_secs(1))
        .start()
        .await?;
    world.write(&["Car"; 20]).await?;
    let seen = world.settled(20).await?;
    same("done", seen.done.len(), 20)?;
    same("discarded", &seen.discarded, &vec![])?;
    same("failed invocations", seen.failures, FAILURES)?;
    let mut unique = seen.done.clone();
    unique.sort();
    unique.dedup();
    same("each record done once", unique.len(), 20)?;
    world.stop().await;
    Ok(())
}

pub async fn the_mapping_retries_a_function_error_and_loses_no_record(
    programs: Programs,
) -> anyhow::Result<()> {
    nothing_is_lost(programs, "error").await
}

pub async fn the_mapping_retries_after_a_crash_and_loses_no_record(
    programs: Programs,
) -> anyhow::Result<()> {
    nothing_is_lost(programs, "crash").await
}

pub async fn the_mapping_retries_after_a_timeout_and_loses_no_record(
    programs: Programs,
) -> anyhow::Result<()> {
    nothing_is_lost(programs, "timeout").await
}
