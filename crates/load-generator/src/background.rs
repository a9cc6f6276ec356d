//! A load on a thread of its own.

use std::{io, sync::Arc, thread};

use tokio::{runtime, sync::oneshot};
use tokio_util::sync::CancellationToken;

use crate::{
    feed::Feed,
    load::{self, Done, LoadObserver},
    plan::Plan,
    writer::Writer,
};

/// A load that runs on a thread and a runtime of its own, beside the system under load:
/// its timers and its requests do not wait for that system's tasks. One thread sends
/// 150,000 records/s.
pub struct BackgroundLoad {
    done: oneshot::Receiver<Done>,
    stop: CancellationToken,
}

impl BackgroundLoad {
    /// Starts the load.
    ///
    /// # Errors
    ///
    /// The system has no thread for it.
    pub fn start(
        writer: Writer,
        feed: Arc<Feed>,
        plan: Plan,
        observer: Arc<dyn LoadObserver>,
    ) -> io::Result<Self> {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (sender, done) = oneshot::channel();
        let stop = CancellationToken::new();
        let stopping = stop.clone();
        thread::Builder::new()
            .name("load-generator".to_owned())
            .spawn(move || {
                let load = load::run(&writer, feed, plan, observer, &stopping);
                // Nobody may wait for it any more.
                let _ = sender.send(runtime.block_on(load));
            })?;
        Ok(Self { done, stop })
    }

    /// A token that stops the load: batches in flight are finished.
    #[must_use]
    pub fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Waits for its end. `None` if it panicked.
    pub async fn done(self) -> Option<Done> {
        self.done.await.ok()
    }
}
