//! A stream, and a mapping that polls it and can be restarted.

use std::{collections::BTreeMap, sync::Arc};

use aws_wire::DEFAULT_REGION;
use event_source_mapping::{
    destination::FailureFolder, mapping::EventSourceMapping, poll_trigger::Polling,
    settings::Settings,
};
use integration_tests::patience::eventually;
use local::mappings::Mappings;
use loopback_client::sdk_config;
use sam_template::environment::Mapping;
use tempfile::TempDir;

use crate::{
    endpoint::Running,
    function::Function,
    ledger::{self, Entry},
    stream::{STREAM, Stream},
};

/// A stream, and the folder with its mapping's checkpoints and invocation records.
pub struct Pipeline {
    pub stream: Stream,
    url: String,
    settings: Settings,
    folder: TempDir,
}

impl Pipeline {
    /// Creates the stream, without a mapping yet.
    pub async fn create(
        endpoint: &Running,
        shards: i32,
        settings: Settings,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            stream: Stream::create(endpoint, shards).await?,
            url: endpoint.url.clone(),
            settings,
            folder: tempfile::tempdir()?,
        })
    }

    /// Starts the mapping to `function`, from its checkpoints.
    pub fn start(&self, function: &Arc<Function>) -> anyhow::Result<EventSourceMapping> {
        let mappings = self.mappings();
        let mapping = Mapping {
            logical_id: "Mapping".to_owned(),
            stream: STREAM.to_owned(),
            function: "function".to_owned(),
            settings: self.settings.clone(),
        };
        Ok(mappings.start(&mapping, function.clone(), Arc::new(Polling::default()))?)
    }

    /// What starts mappings at the endpoint.
    pub fn mappings(&self) -> Mappings {
        let failures = self.folder.path().join("failures");
        Mappings::new(self.stream.kinesis.clone(), DEFAULT_REGION, &failures)
            .with_queues_at(&sdk_config(&self.url, DEFAULT_REGION))
            .checkpoints_in(Some(self.folder.path()))
    }

    /// The invocation records of the discarded batches.
    pub fn failures(&self) -> FailureFolder {
        FailureFolder::new(&self.folder.path().join("failures"))
    }
}

/// Waits until the checkpoints are at the last of these records in each shard.
pub async fn is_behind(mapping: &EventSourceMapping, written: &[Entry]) -> anyhow::Result<()> {
    let expected = ledger::last_of_each(written);
    let checkpoints = || -> BTreeMap<_, _> {
        let shards = mapping.status().shards.into_iter();
        shards
            .filter_map(|(id, shard)| Some((id, shard.checkpoint?)))
            .collect()
    };
    let what = format!("checkpoints {expected:?}");
    eventually(&what, checkpoints, |now| *now == expected).await?;
    Ok(())
}
