//! Records and shards that are past retention go, whether or not anyone reads.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use super::{Engine, stream::Stream};
use crate::error::KinesisError;

/// Retention is counted in hours: a minute late does not matter.
const INTERVAL: Duration = Duration::from_mins(1);

/// Sweeps every minute for as long as the engine lives.
pub fn start(engine: &Arc<Engine>) {
    let engine = Arc::downgrade(engine);
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(INTERVAL).await;
            let Some(engine) = Weak::upgrade(&engine) else {
                return;
            };
            engine.sweep();
        }
    });
}

impl Engine {
    /// Drops what is past retention, in all streams.
    pub fn sweep(&self) {
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
        let mut expired = Vec::new();
        stream.reshard(|topology| {
            let mut next = topology.clone();
            expired = next
                .shards
                .extract_if(.., |shard| {
                    shard.closing().is_some() && !listed.contains(&shard.number)
                })
                .collect();
            self.save_with(stream, &next).map(|()| next)
        })?;
        for shard in expired {
            self.forget_shard(stream, &shard);
        }
        Ok(())
    }
}
