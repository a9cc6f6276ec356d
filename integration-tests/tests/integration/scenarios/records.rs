//! Poison records, the order of records, and many records.

use std::collections::HashMap;

use anyhow::ensure;
use integration_tests::patience::same;
use serde_json::{Value, json};

use crate::world::{Builder, Programs, reading};

pub async fn a_malformed_record_is_discarded_alone_and_blocks_no_other(
    programs: Programs,
) -> anyhow::Result<()> {
    let world = Builder::new(programs).start().await?;
    let mut data: Vec<_> = (0..20).map(|index| reading(index, "Car")).collect();
    data[3] = b"not JSON".to_vec();
    data[4] = b"\xFF\xFE\x00".to_vec();
    data[15] = br#"{"id":"15","name":"Model One"}"#.to_vec();
    world.write_data(&data).await?;
    let seen = world.settled(20).await?;
    same(
        "sizes of discarded batches",
        &seen.discarded,
        &vec![1, 1, 1],
    )?;
    same("done", seen.done.len(), 17)?;

    // The shard is not blocked.
    world.write(&["House"; 5]).await?;
    same("done", world.settled(25).await?.done.len(), 22)?;
    world.stop().await;
    Ok(())
}

pub async fn a_discarded_record_reaches_a_second_function_through_the_queue(
    programs: Programs,
) -> anyhow::Result<()> {
    let builder = Builder::new(programs).with_second_function();
    let world = builder.start().await?;
    let data = [reading(0, "Car"), b"not JSON".to_vec(), reading(2, "House")];
    world.write_data(&data).await?;
    let seen = world.settled(3).await?;
    same("sizes of discarded batches", seen.discarded, vec![1])?;

    let messages = world.messages_processed(1).await?;
    same("messages", messages.len(), 1)?;
    let record: Value = serde_json::from_str(&messages[0])?;
    let condition = &record["requestContext"]["condition"];
    same("condition", condition, &json!("RetryAttemptsExhausted"))?;
    let size = &record["KinesisBatchInfo"]["batchSize"];
    same("records", size, &json!(1))?;
    world.stop().await;
    Ok(())
}

pub async fn records_of_each_shard_keep_their_order(programs: Programs) -> anyhow::Result<()> {
    let world = Builder::new(programs).shards(4).start().await?;
    for _ in 0..4 {
        world.write(&["Car"; 250]).await?;
    }
    let seen = world.settled(1000).await?;
    let mut last: HashMap<&str, &str> = HashMap::new();
    for (shard, number) in &seen.done {
        // Sequence numbers of the same length sort as text.
        let before = last.insert(shard, number);
        ensure!(
            before.is_none_or(|before| (before.len(), before) < (number.len(), number)),
            "{shard}: {number} came after {before:?}"
        );
    }
    same("shards that had records", last.len(), 4)?;
    world.stop().await;
    Ok(())
}

pub async fn ten_thousand_records_are_all_processed(programs: Programs) -> anyhow::Result<()> {
    let world = Builder::new(programs).shards(4).start().await?;
    for _ in 0..20 {
        world.write(&["Diner"; 500]).await?;
    }
    let seen = world.processed(10_000).await?;
    same("done", seen.done.len(), 10_000)?;
    same("discarded", &seen.discarded, &vec![])?;
    let with_item =
        |line: &&serde_json::Value| line["after"]["location"]["description"] == "Diner description";
    let with_item = seen.processed.iter().filter(with_item).count();
    same("records with their item", with_item, seen.processed.len())?;
    world.stop().await;
    Ok(())
}
