//! Delivery while nothing fails.

use std::sync::Arc;

use anyhow::ensure;
use event_source_mapping::settings::Settings;
use integration_tests::patience::same;

use crate::{
    endpoint::Running,
    function::Function,
    ledger::{once_and_in_order, shards},
    pipeline::Pipeline,
};

const BATCH_SIZE: usize = 20;

/// Some records are written before the mapping starts; they fill its batches.
pub async fn every_record_is_delivered_once_and_in_order(endpoint: &Running) -> anyhow::Result<()> {
    let settings = Settings {
        batch_size: u32::try_from(BATCH_SIZE)?,
        ..Settings::default()
    };
    let pipeline = Pipeline::create(endpoint, 3, settings).await?;
    let mut written = pipeline.stream.write(150).await?;
    let function = Arc::new(Function::new());
    let mapping = pipeline.start(&function)?;
    for _ in 0..10 {
        written.extend(pipeline.stream.write(15).await?);
    }
    function.has_done(written.len()).await?;
    mapping.stop().await;

    same("shards with records", shards(&written).len(), 3)?;
    once_and_in_order(&written, &function.done())?;
    let batches = function.batches();
    let largest = batches.iter().map(Vec::len).max();
    same("records of the largest batch", largest, Some(BATCH_SIZE))?;
    for batch in batches {
        ensure!(
            shards(&batch).len() == 1,
            "a batch has records of several shards: {batch:?}"
        );
    }
    Ok(())
}
