//! Breaks and repairs one part of the pipeline after another.

use std::{
    fmt::Display,
    fs,
    net::{SocketAddr, TcpListener},
    process::Command,
    sync::Arc,
};

use anyhow::Context;
use aws_sdk_kinesis::{Client, types::Shard};
use aws_wire::DEFAULT_REGION;
use event_source_mapping::mapping::EventSourceMapping;
use integration_tests::patience::eventually;
use local::{
    adapters::{function_target::FunctionTarget, push_trigger::PushTrigger},
    embedded::Embedded,
    mappings::Mappings,
};
use momento_offline::transport::{CacheOptions, Served};
use sam_template::environment::Mapping;

use crate::tally::Tally;

/// The running pipeline, and the counts of its faults.
pub struct Faults {
    embedded: Embedded,
    kinesis: Client,
    mappings: Mappings,
    mapping: Mapping,
    running: Option<EventSourceMapping>,
    cache: SocketAddr,
    count: usize,
    kills: usize,
    outages: usize,
    restarts: usize,
    reshards: usize,
    _folder: tempfile::TempDir,
}

impl Faults {
    /// Takes over the pipeline and starts its mapping.
    pub fn start(
        embedded: Embedded,
        mapping: Mapping,
        kinesis: Client,
        tally: Arc<Tally>,
    ) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let cache = embedded.cache.as_ref().context("no cache")?.address();
        let mappings = Mappings::new(
            kinesis.clone(),
            DEFAULT_REGION,
            &folder.path().join("failures"),
        )
        .checkpoints_in(Some(folder.path()))
        .watched_by(tally);
        let mut faults = Self {
            embedded,
            kinesis,
            mappings,
            mapping,
            running: None,
            cache,
            count: 0,
            kills: 0,
            outages: 0,
            restarts: 0,
            reshards: 0,
            _folder: folder,
        };
        faults.start_mapping()?;
        Ok(faults)
    }

    fn start_mapping(&mut self) -> anyhow::Result<()> {
        let function = self.embedded.functions.get(&self.mapping.function);
        let arrivals = self.embedded.aws.arrivals.clone();
        let trigger = Arc::new(PushTrigger::new(arrivals, &self.mapping.stream));
        let function = function.context("no function")?.clone();
        let target = Arc::new(FunctionTarget(function));
        self.running = Some(self.mappings.start(&self.mapping, target, trigger)?);
        Ok(())
    }

    /// Causes the next fault, or repairs the last one.
    pub async fn next(&mut self) -> anyhow::Result<()> {
        self.count += 1;
        match self.count % 6 {
            1 => self.kill_function(),
            2 => {
                self.embedded.cache = None;
                self.outages += 1;
                Ok(())
            }
            3 => self.start_cache().await,
            4 => {
                if let Some(running) = self.running.take() {
                    running.stop().await;
                }
                self.restarts += 1;
                self.start_mapping()
            }
            5 => {
                // As in a crash.
                self.running = None;
                self.restarts += 1;
                self.start_mapping()
            }
            _ => self.reshard().await,
        }
    }

    /// Kills the function's processes: children of this process with its program's name.
    fn kill_function(&mut self) -> anyhow::Result<()> {
        let own = std::process::id().to_string();
        for process in fs::read_dir("/proc")?.flatten() {
            let stat = fs::read_to_string(process.path().join("stat")).unwrap_or_default();
            // pid (name) state parent …
            let parent = stat
                .rsplit(')')
                .next()
                .and_then(|rest| rest.split_whitespace().nth(1));
            if parent == Some(&own) && stat.contains("(bootstrap)") {
                let id = process.file_name();
                Command::new("kill").arg("-9").arg(id).status()?;
                self.kills += 1;
            }
        }
        Ok(())
    }

    async fn start_cache(&mut self) -> anyhow::Result<()> {
        let free = || TcpListener::bind(self.cache).is_ok();
        eventually("the cache's port is free", free, |free| *free).await?;
        let listener = tokio::net::TcpListener::bind(self.cache).await?;
        let served = Served::start(CacheOptions::default(), listener, ["sample-a"]);
        self.embedded.cache = Some(served.await?);
        Ok(())
    }

    /// Splits the only open shard, or merges the two open shards.
    async fn reshard(&mut self) -> anyhow::Result<()> {
        let stream = &self.mapping.stream;
        let listed = self
            .kinesis
            .list_shards()
            .stream_name(stream)
            .send()
            .await?;
        let open = |shard: &&Shard| {
            let range = shard.sequence_number_range.as_ref();
            range.is_some_and(|range| range.ending_sequence_number.is_none())
        };
        let shards = listed.shards.unwrap_or_default();
        let open: Vec<_> = shards.iter().filter(open).collect();
        match open.as_slice() {
            [one] => {
                let half = (u128::MAX / 2).to_string();
                let split = self.kinesis.split_shard().stream_name(stream);
                split
                    .shard_to_split(&one.shard_id)
                    .new_starting_hash_key(half)
                    .send()
                    .await?;
            }
            [one, other, ..] => {
                let merge = self.kinesis.merge_shards().stream_name(stream);
                let merge = merge.shard_to_merge(&one.shard_id);
                merge
                    .adjacent_shard_to_merge(&other.shard_id)
                    .send()
                    .await?;
            }
            [] => anyhow::bail!("no open shard"),
        }
        self.reshards += 1;
        Ok(())
    }

    pub async fn stop(mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
        self.embedded.shut_down().await;
    }
}

impl Display for Faults {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} processes killed, {} outages of the cache, {} restarts of the mapping, {} splits and merges",
            self.kills, self.outages, self.restarts, self.reshards
        )
    }
}
