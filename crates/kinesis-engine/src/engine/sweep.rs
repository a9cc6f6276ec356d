//! Drops records and shards past retention, and deleted streams, whether or not anyone reads.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::time::timeout;

use super::{Engine, stream::Stream};
use crate::error::KinesisError;

/// Retention is counted in hours: a minute late does not matter.
const INTERVAL: Duration = Duration::from_mins(1);

/// Sweeps every minute, and when the clock is moved, for as long as the engine lives.
pub(crate) fn start(engine: &Arc<Engine>) {
    let mut moves = engine.clock().moves();
    let engine = Arc::downgrade(engine);
    tokio::spawn(async move {
        loop {
            let _ = timeout(INTERVAL, moves.changed()).await;
            let Some(engine) = Weak::upgrade(&engine) else {
                return;
            };
            engine.sweep();
        }
    });
}

/// Removes a stream once its deletion is complete.
pub(super) fn remove_later(engine: &Arc<Engine>, stream: &Arc<Stream>) {
    let mut moves = engine.clock().moves();
    let (engine, stream) = (Arc::downgrade(engine), Arc::downgrade(stream));
    tokio::spawn(async move {
        while let Some((engine, stream)) = engine.upgrade().zip(stream.upgrade()) {
            let Some(left) = stream.deleted_in(engine.clock().millis()) else {
                engine.free_deleted();
                engine.announce_deletion(&stream);
                return;
            };
            drop((engine, stream));
            let _ = timeout(left, moves.changed()).await;
        }
    });
}

impl Engine {
    /// Drops the records and shards past retention, and the streams that are deleted.
    pub(crate) fn sweep(&self) {
        self.free_deleted();
        for stream in self.streams() {
            let horizon = self.moment(&stream).horizon;
            for shard in &stream.topology().shards {
                shard.trim(horizon);
            }
            if let Err(error) = self.drop_expired(&stream) {
                tracing::warn!(stream = stream.name, %error, "expired shards stay for now");
            }
        }
    }

    /// Forgets the shards that are no longer listed.
    fn drop_expired(&self, stream: &Stream) -> Result<(), KinesisError> {
        let listed: Vec<u64> = self
            .listed_shards(stream)
            .iter()
            .map(|shard| shard.number)
            .collect();
        if listed.len() == stream.topology().shards.len() {
            return Ok(());
        }
        let expired = {
            let _changing = stream.changing.lock();
            let mut next = (*stream.topology()).clone();
            let shards = next.shards.extract_if(.., |shard| {
                shard.closing().is_some() && !listed.contains(&shard.number)
            });
            let expired: Vec<_> = shards.collect();
            self.save_change(stream, &stream.settings(), &next, &[])?;
            stream.set_topology(next, || {});
            expired
        };
        for shard in expired {
            self.forget_shard(stream, &shard);
        }
        Ok(())
    }
}
