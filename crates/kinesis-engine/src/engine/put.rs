//! Puts, wake-ups, and `max_memory`.

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use futures_util::future::join_all;

use super::{
    Engine,
    hash_key::HashKey,
    shard::{NewRecord, Outcome, Shard},
    stream::{Put, Routed, Stream},
};
use durable_files::Commit;

use crate::{error::KinesisError, observer::PutRecord};

impl Engine {
    /// Stores `records` in `stream` and wakes the readers of the shards that
    /// got some, once each.
    ///
    /// # Errors
    ///
    /// As [`Stream::append`].
    pub(crate) async fn put(
        &self,
        stream: &Arc<Stream>,
        records: &[(HashKey, NewRecord<'_>)],
    ) -> Result<Vec<Routed>, KinesisError> {
        let Put { routed, commits } = stream.append(records, self.moment(stream)).await?;
        self.tell_put(stream, records, &routed);
        let mut touched: Vec<&Arc<Shard>> = Vec::new();
        for record in &routed {
            match record.outcome {
                Outcome::Throttled(limit) => stream.throttled.add(limit),
                Outcome::Stored(_) => {
                    let number = record.shard.number;
                    if !touched.iter().any(|shard| shard.number == number) {
                        touched.push(&record.shard);
                    }
                }
            }
        }
        for shard in touched {
            self.arrivals.notify_records(&stream.name, &shard.id);
        }
        self.relieve_memory();
        // Side by side: the shards' logs are flushed at the same time.
        let flushed = join_all(commits.into_iter().map(Commit::wait)).await;
        let flushed: Result<(), _> = flushed.into_iter().collect();
        flushed.map_err(|error| {
            KinesisError::Internal(format!("the log cannot be flushed: {error}"))
        })?;
        Ok(routed)
    }

    /// Tells the observer, before a reader can be woken.
    fn tell_put(&self, stream: &Stream, records: &[(HashKey, NewRecord<'_>)], routed: &[Routed]) {
        let observer = self.options.observer.get();
        let Some(observer) = observer.filter(|observer| observer.wants_records()) else {
            return;
        };
        let mut shards: HashMap<u64, Arc<str>> = HashMap::new();
        let stored = records
            .iter()
            .zip(routed)
            .filter_map(|((_, record), routed)| {
                let Outcome::Stored(number) = routed.outcome else {
                    return None;
                };
                let shard = shards.entry(routed.shard.number);
                Some(PutRecord {
                    shard: shard
                        .or_insert_with(|| routed.shard.id.as_str().into())
                        .clone(),
                    sequence_number: number.to_string(),
                    partition_key: record.partition_key.to_owned(),
                    data: Bytes::copy_from_slice(record.data),
                })
            });
        let stored: Vec<_> = stored.collect();
        if !stored.is_empty() {
            observer.records_put(&stream.name, stored);
        }
    }

    /// Drops the oldest records of all while they take more than the memory
    /// allowed.
    pub(super) fn relieve_memory(&self) {
        let Some(max) = self.options.max_memory else {
            return;
        };
        if self.memory() > max {
            self.free_deleted();
        }
        while self.memory() > max {
            // A little more than needed, so that not every put has to do this.
            let excess = self.memory().saturating_sub(max) + max / 64;
            let streams = self.streams();
            let shards = streams.iter().flat_map(|stream| {
                let shards = stream.topology().shards.clone();
                shards.into_iter().map(move |shard| (stream, shard))
            });
            let dated = shards.filter_map(|(stream, shard)| {
                let arrival = shard.oldest_arrival()?;
                Some((arrival, stream, shard))
            });
            let Some((_, stream, shard)) = dated.min_by_key(|(arrival, ..)| *arrival) else {
                return;
            };
            let records = shard.evict(excess);
            tracing::warn!(
                stream = stream.name,
                shard = shard.id,
                records,
                max_memory = max,
                "records take more than the memory allowed: the oldest are dropped before their retention ends"
            );
        }
    }

    /// The message for a put or a read that a shard's limits refuse.
    #[must_use]
    pub(crate) fn rate_exceeded(&self, stream: &Stream, shard: &Shard) -> String {
        format!(
            "Rate exceeded for shard {} in stream {} under account {}.",
            shard.id, stream.name, self.options.account
        )
    }

    /// The shards of `stream` that are listed: all but those that have been
    /// closed for so long that every record in them is past retention (API
    /// reference, `ListShards`: "This action does not list expired shards").
    #[must_use]
    pub(crate) fn listed_shards(&self, stream: &Stream) -> Vec<Arc<Shard>> {
        let horizon = self.moment(stream).horizon;
        let topology = stream.topology();
        let kept = topology.shards.iter().filter(|shard| {
            let closing = shard.closing();
            closing.is_none_or(|closing| closing.at >= horizon)
        });
        kept.cloned().collect()
    }
}
