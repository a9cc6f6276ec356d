//! Drops messages past their retention, whether or not anyone receives.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::time::timeout;

use super::Engine;

/// Retention is counted in minutes at least.
const INTERVAL: Duration = Duration::from_mins(1);

/// Sweeps every minute, and when the clock is moved, for as long as the engine lives.
pub(crate) fn start(engine: &Arc<Engine>) {
    let mut moves = engine.options.clock.moves();
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

impl Engine {
    fn sweep(&self) {
        let ids = self.inner.lock().queues.ids();
        for id in ids {
            let now = self.now();
            let mut inner = self.inner.lock();
            // A queue that was deleted meanwhile has nothing to drop.
            if let Err(error) = inner.tick(id, now)
                && inner.queues.get(id).is_some()
            {
                tracing::warn!(%error, "expired messages stay for now");
            }
            inner.clean(now);
        }
    }
}
