//! Where a run takes place, and what can be counted there from outside the
//! function.

use async_trait::async_trait;
use momento_offline::counters::Counts;

use crate::embedded::Embedded;

/// A running pipeline whose mapping a [`Tally`](super::tally::Tally) watches.
#[async_trait]
pub trait Site: Sync {
    /// The AWS endpoint that records are written to.
    fn endpoint(&self) -> String;

    /// The stream that they are written to.
    fn stream(&self) -> &str;

    /// What was seen there.
    async fn seen(&self) -> Seen;
}

/// What was seen of a run from outside the function; nothing is made up where
/// nobody looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Which backend ran.
    pub backend: &'static str,
    /// Which cache.
    pub cache: String,
    /// What the cache was asked; none where it does not say.
    pub cache_requests: Option<Counts>,
    /// Reads of `DynamoDB`; none where nobody counts them.
    pub store_reads: Option<u64>,
    /// Environments that were started; none where nobody counts them.
    pub cold_starts: Option<u64>,
}

/// Everything in this process.
pub struct EmbeddedSite<'a> {
    /// The environment.
    pub embedded: &'a Embedded,
    /// The stream to write to.
    pub stream: String,
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
        }
    }
}
