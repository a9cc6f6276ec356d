//! A stream to write to and reshard.

use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, ensure};
use aws_sdk_kinesis::{
    Client,
    primitives::Blob,
    types::{PutRecordsRequestEntry, StreamStatus},
};
use aws_wire::DEFAULT_REGION;
use event_source_mapping::{
    sdk_source::SdkSource,
    source::{Shard, Source},
};
use integration_tests::patience::PATIENCE;
use loopback_client::sdk_config;
use tokio::time::{Instant, sleep};

use crate::{endpoint::Running, ledger::Entry};

/// The name of an endpoint's only stream.
pub const STREAM: &str = "stream";

/// An endpoint's only stream.
pub struct Stream {
    pub kinesis: Client,
    written: AtomicUsize,
}

impl Stream {
    /// Creates the stream and waits until it is active.
    pub async fn create(endpoint: &Running, shards: i32) -> anyhow::Result<Self> {
        let kinesis = Client::new(&sdk_config(&endpoint.url, DEFAULT_REGION));
        let create = kinesis.create_stream().stream_name(STREAM);
        let created = create.shard_count(shards).send().await;
        created.context("creating the stream")?;
        let stream = Self {
            kinesis,
            written: AtomicUsize::new(0),
        };
        stream.is_active().await?;
        Ok(stream)
    }

    /// The stream as a mapping's source.
    pub fn source(&self) -> SdkSource {
        SdkSource::new(self.kinesis.clone(), STREAM)
    }

    /// The stream's shards, as the endpoint lists them now.
    pub async fn shards(&self) -> anyhow::Result<Vec<Shard>> {
        Ok(self.source().shards().await?)
    }

    /// Writes `count` distinct records. Returns them with their shards and sequence
    /// numbers.
    pub async fn write(&self, count: usize) -> anyhow::Result<Vec<Entry>> {
        let first = self.written.fetch_add(count, Ordering::Relaxed);
        let data: Vec<_> = (first..first + count)
            .map(|number| format!("record {number}"))
            .collect();
        let data: Vec<_> = data.iter().map(String::as_str).collect();
        self.put(&data).await
    }

    /// Writes records with this data, which is also their partition key.
    pub async fn put(&self, data: &[&str]) -> anyhow::Result<Vec<Entry>> {
        let entry = |data: &&str| {
            let entry = PutRecordsRequestEntry::builder().partition_key(*data);
            entry.data(Blob::new(data.as_bytes())).build()
        };
        let entries: Vec<_> = data.iter().map(entry).collect::<Result<_, _>>()?;
        let put = self.kinesis.put_records().stream_name(STREAM);
        let reply = put.set_records(Some(entries)).send().await;
        let reply = reply.context("writing records")?;
        ensure!(reply.failed_record_count.unwrap_or(0) == 0, "{reply:?}");
        let entries = reply.records().iter().zip(data).map(|(record, data)| {
            Some(Entry {
                shard: record.shard_id()?.to_owned(),
                sequence_number: record.sequence_number()?.to_owned(),
                data: (*data).to_owned(),
            })
        });
        let entries: Option<_> = entries.collect();
        entries.with_context(|| format!("PutRecords left out a record: {reply:?}"))
    }

    /// Splits a shard in the middle of its hash key range.
    pub async fn split(&self, shard: &str) -> anyhow::Result<()> {
        let shards = self.kinesis.list_shards().stream_name(STREAM);
        let shards = shards.send().await.context("listing the shards")?;
        let range = shards.shards().iter().find(|one| one.shard_id() == shard);
        let range = range.and_then(|shard| shard.hash_key_range());
        let range = range.with_context(|| format!("{shard} has no hash key range"))?;
        let first: u128 = range.starting_hash_key().parse()?;
        let last: u128 = range.ending_hash_key().parse()?;
        let middle = first + (last - first) / 2;
        let split = self.kinesis.split_shard().stream_name(STREAM);
        let split = split.shard_to_split(shard);
        let split = split.new_starting_hash_key(middle.to_string()).send().await;
        split.with_context(|| format!("splitting {shard}"))?;
        self.is_active().await
    }

    /// Merges two adjacent shards.
    pub async fn merge(&self, one: &str, other: &str) -> anyhow::Result<()> {
        let merge = self.kinesis.merge_shards().stream_name(STREAM);
        let merge = merge.shard_to_merge(one).adjacent_shard_to_merge(other);
        let merged = merge.send().await;
        merged.with_context(|| format!("merging {one} and {other}"))?;
        self.is_active().await
    }

    async fn is_active(&self) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let described = self.kinesis.describe_stream_summary().stream_name(STREAM);
            let described = described.send().await.context("describing the stream")?;
            let summary = described.stream_description_summary;
            let status = summary.map(|summary| summary.stream_status);
            if status == Some(StreamStatus::Active) {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "the stream is {status:?}");
            sleep(std::time::Duration::from_millis(5)).await;
        }
    }
}
