//! Splitting and merging shards.

use std::sync::Arc;

use anyhow::{Context, ensure};
use event_source_mapping::{settings::Settings, source::Shard};

use crate::{
    endpoint::{Resharding, Running},
    function::Function,
    ledger::{Entry, once_and_in_order, one_before_the_other, shards},
    pipeline::Pipeline,
};

const FIRST: &str = "shardId-000000000000";
const SECOND: &str = "shardId-000000000001";

/// Splits the first of two shards before any of its records is processed. Then merges
/// one of its children with the second shard while records are written.
pub async fn parents_are_delivered_before_their_children(endpoint: &Running) -> anyhow::Result<()> {
    let resharding = endpoint.endpoint.resharding();
    let settings = Settings {
        batch_size: 5,
        ..Settings::default()
    };
    let pipeline = Pipeline::create(endpoint, 2, settings).await?;
    let stream = &pipeline.stream;
    let function = Arc::new(Function::new());
    let mapping = pipeline.start(&function)?;
    if resharding != Resharding::DropsParents {
        function.open(false);
    }
    let mut written = stream.write(40).await?;
    if resharding == Resharding::DropsParents {
        function.has_done(written.len()).await?;
        function.open(false);
    }
    stream.split(FIRST).await?;
    let mut listed = stream.shards().await?;
    written.extend(stream.write(40).await?);
    function.open(true);
    function.has_done(written.len()).await?;

    let mut children = listed.iter().filter(|shard| shard.parents == [FIRST]);
    let upper = children.next_back().context("no children")?.id.clone();
    let merge = stream.merge(&upper, SECOND);
    if resharding == Resharding::AsInAws {
        let write = async {
            let mut written = Vec::new();
            for _ in 0..10 {
                written.extend(stream.write(8).await?);
            }
            anyhow::Ok(written)
        };
        let (more, merged) = tokio::join!(write, merge);
        merged?;
        written.extend(more?);
    } else {
        merge.await?;
    }
    written.extend(stream.write(40).await?);
    function.has_done(written.len()).await?;
    mapping.stop().await;

    let done = function.done();
    once_and_in_order(&written, &done)?;
    listed.extend(stream.shards().await?);
    let families = listed.iter().flat_map(|shard| {
        let parents = shard.parents.iter();
        parents.map(|parent| (parent.as_str(), shard.id.as_str()))
    });
    for (parent, child) in families {
        one_before_the_other(&done, parent, child)?;
    }
    shows(resharding, &listed, &written)
}

/// Fails if the endpoint does not behave as its [`Resharding`] says.
fn shows(resharding: Resharding, listed: &[Shard], written: &[Entry]) -> anyhow::Result<()> {
    let used = shards(written);
    let has_parents = |shard: &&Shard| !shard.parents.is_empty();
    let children = listed.iter().filter(has_parents);
    let (taking, idle): (Vec<_>, Vec<_>) =
        children.partition(|child| used.contains(child.id.as_str()));
    match resharding {
        Resharding::AsInAws | Resharding::DropsParents => {
            ensure!(idle.is_empty(), "no record was written to {idle:?}");
        }
        Resharding::KeepsParents => {
            ensure!(taking.is_empty(), "records were written to {taking:?}");
        }
    }
    let keeps = listed.iter().any(|shard| shard.id == FIRST);
    ensure!(
        keeps == (resharding != Resharding::DropsParents),
        "{FIRST} is listed after its split: {keeps}"
    );
    Ok(())
}
