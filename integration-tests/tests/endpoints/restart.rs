//! A mapping that restarts from its checkpoints.

use std::sync::Arc;

use anyhow::ensure;
use event_source_mapping::settings::{Settings, StartingPosition};
use integration_tests::patience::{eventually, same};
use time::OffsetDateTime;

use crate::{
    endpoint::Running,
    function::Function,
    ledger::{once_and_in_order, shards},
    pipeline::{Pipeline, is_behind},
};

fn small_batches() -> Settings {
    Settings {
        batch_size: 5,
        ..Settings::default()
    }
}

/// Records are written before the mapping starts, while it runs, and while it is
/// stopped.
pub async fn a_restart_continues_at_the_checkpoint(endpoint: &Running) -> anyhow::Result<()> {
    let pipeline = Pipeline::create(endpoint, 2, small_batches()).await?;
    let function = Arc::new(Function::new());
    let mut written = Vec::new();
    for _ in 0..3 {
        written.extend(pipeline.stream.write(20).await?);
        let mapping = pipeline.start(&function)?;
        written.extend(pipeline.stream.write(20).await?);
        function.has_done(written.len()).await?;
        mapping.stop().await;
    }
    once_and_in_order(&written, &function.done())
}

/// Drops the mapping during an invocation for each shard.
pub async fn a_crash_repeats_only_the_batches_in_flight(endpoint: &Running) -> anyhow::Result<()> {
    let pipeline = Pipeline::create(endpoint, 2, small_batches()).await?;
    let before = Arc::new(Function::new());
    let mut written = pipeline.stream.write(20).await?;
    let mapping = pipeline.start(&before)?;
    before.has_done(written.len()).await?;
    is_behind(&mapping, &written).await?;
    before.open(false);
    written.extend(pipeline.stream.write(30).await?);
    let begun = before.batches().len() + shards(&written).len();
    let begins = || before.begun().len();
    eventually("an invocation for each shard", begins, |now| *now == begun).await?;
    drop(mapping);

    let after = Arc::new(Function::new());
    let mapping = pipeline.start(&after)?;
    after.has_done(30).await?;
    mapping.stop().await;
    let mut done = before.done();
    same("records done before the crash", done.len(), 20)?;
    done.extend(after.done());
    once_and_in_order(&written, &done)?;
    let again = after.done();
    for batch in before.begun().split_off(before.batches().len()) {
        let repeated = batch.iter().all(|entry| again.contains(entry));
        ensure!(repeated, "a batch in flight is lost: {batch:?}");
    }
    Ok(())
}

/// Stops the mapping before its first record. It later delivers the records written
/// while it was stopped, but not those from before its first start.
pub async fn latest_is_fixed_at_the_first_start(endpoint: &Running) -> anyhow::Result<()> {
    let settings = Settings {
        starting_position: StartingPosition::Latest,
        ..Settings::default()
    };
    let pipeline = Pipeline::create(endpoint, 2, settings).await?;
    pipeline.stream.write(20).await?;
    a_millisecond_passes().await?;
    let function = Arc::new(Function::new());
    let mapping = pipeline.start(&function)?;
    mapping.ready().await;
    mapping.stop().await;
    let written = pipeline.stream.write(20).await?;
    let mapping = pipeline.start(&function)?;
    function.has_done(written.len()).await?;
    mapping.stop().await;
    once_and_in_order(&written, &function.done())
}

/// Waits for the next millisecond, the resolution of a stream's times.
async fn a_millisecond_passes() -> anyhow::Result<()> {
    let milliseconds = || OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000;
    let now = milliseconds();
    eventually("a later millisecond", milliseconds, |later| *later > now).await?;
    Ok(())
}
