//! The pipeline that a run measures, and the counts that it offers from outside the
//! function.

use async_trait::async_trait;
use momento_offline::counters::Counts;

use super::report::Throttled;
use crate::embedded::Embedded;

/// A running pipeline whose mapping a [`Tally`](super::tally::Tally) watches.
#[async_trait]
pub trait Site: Sync {
    /// The AWS endpoint that records are written to.
    fn endpoint(&self) -> String;

    /// The stream that they are written to.
    fn stream(&self) -> &str;

    /// The counts so far.
    async fn seen(&self) -> Seen;
}

/// Counts of a run, taken outside the function; `None` where nothing counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Which backend ran.
    pub backend: &'static str,
    /// Which cache.
    pub cache: String,
    /// Requests to the cache.
    pub cache_requests: Option<Counts>,
    /// Reads of `DynamoDB`.
    pub store_reads: Option<u64>,
    /// Execution environments started.
    pub cold_starts: Option<u64>,
    /// What the stream's shards refused; `None` without limits too.
    pub throttled: Option<Throttled>,
}

/// Everything in this process.
pub struct EmbeddedSite<'a> {
    /// The environment.
    pub embedded: &'a Embedded,
    /// The stream to write to.
    pub stream: String,
    /// Whether its shards have AWS's limits.
    pub has_limits: bool,
}

impl EmbeddedSite<'_> {
    fn throttled(&self) -> Throttled {
        let reader = &self.embedded.aws.reader;
        let shards = reader.shards(&self.stream).into_iter();
        let records = reader.throttled(&self.stream);
        Throttled {
            shards: shards.filter(|shard| shard.open).count(),
            by_records: records.by_records,
            by_bytes: records.by_bytes,
        }
    }
}

#[async_trait]
impl Site for EmbeddedSite<'_> {
    fn endpoint(&self) -> String {
        self.embedded.aws.url()
    }

    fn stream(&self) -> &str {
        &self.stream
    }

    async fn seen(&self) -> Seen {
        let cache = self.embedded.cache.as_ref();
        Seen {
            backend: "embedded",
            cache: self.embedded.cache_kind.to_owned(),
            cache_requests: cache.map(|cache| cache.keyspace().counts()),
            store_reads: Some(self.embedded.store_reads()),
            cold_starts: Some(self.embedded.cold_starts()),
            throttled: self.has_limits.then(|| self.throttled()),
        }
    }
}
