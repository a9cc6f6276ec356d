//! When to read again after a read that gave nothing.

use std::time::Duration;

use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use crate::aws::kinesis::arrivals::Arrivals;

/// A read at least this often keeps the iterator from expiring (five minutes).
const HEARTBEAT: Duration = Duration::from_mins(1);

/// How a mapping learns of new records.
#[derive(Debug, Clone)]
pub enum Wake {
    /// The engine in this process says so.
    Pushed {
        /// Its signals.
        arrivals: Arrivals,
        /// The stream's name.
        stream: String,
    },
    /// It has to ask: soon after records came, ever less often while none do.
    Polled {
        /// The shortest pause.
        fast: Duration,
        /// The longest pause.
        slow: Duration,
    },
}

/// Waits for one thing: a shard's records, or a stream's list of shards.
#[derive(Debug)]
pub struct Waiter {
    pushed: Option<watch::Receiver<u64>>,
    fast: Duration,
    slow: Duration,
    next: Duration,
}

impl Wake {
    /// Polling at a local endpoint.
    #[must_use]
    pub fn polled() -> Self {
        Self::Polled {
            fast: Duration::from_millis(10),
            slow: Duration::from_millis(250),
        }
    }

    /// Waits for records of `shard`.
    #[must_use]
    pub fn for_records(&self, shard: &str) -> Waiter {
        match self {
            Self::Pushed { arrivals, stream } => Waiter::pushed(arrivals.records(stream, shard)),
            Self::Polled { fast, slow } => Waiter::polled(*fast, *slow),
        }
    }

    /// Waits for a change of the list of shards.
    #[must_use]
    pub fn for_shards(&self) -> Waiter {
        match self {
            Self::Pushed { arrivals, stream } => Waiter::pushed(arrivals.shards(stream)),
            // A split or merge is rare, and shows also when a shard ends.
            Self::Polled { slow, .. } => Waiter::polled(*slow * 8, *slow * 8),
        }
    }
}

impl Waiter {
    fn pushed(receiver: watch::Receiver<u64>) -> Self {
        Self {
            pushed: Some(receiver),
            fast: HEARTBEAT,
            slow: HEARTBEAT,
            next: HEARTBEAT,
        }
    }

    fn polled(fast: Duration, slow: Duration) -> Self {
        Self {
            pushed: None,
            fast,
            slow,
            next: fast,
        }
    }

    /// Call it right before a read: what arrives from then on ends the next
    /// [`Waiter::wait`].
    pub fn reading(&mut self) {
        if let Some(receiver) = &mut self.pushed {
            receiver.mark_unchanged();
        }
    }

    /// Call it when a read gave records: the next pause is the shortest one.
    pub fn found(&mut self) {
        self.next = self.fast;
    }

    /// Waits until a read is worth it.
    pub async fn wait(&mut self) {
        let pause = self.next;
        self.next = (pause * 2).min(self.slow);
        match &mut self.pushed {
            // An error is the engine's end; the heartbeat then takes over.
            Some(receiver) => match timeout(pause, receiver.changed()).await {
                Ok(Ok(())) | Err(_) => {}
                Ok(Err(_)) => sleep(pause).await,
            },
            None => sleep(pause).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Waiter, Wake};
    use std::time::Duration;
    use tokio::time::Instant;

    const SHARD: &str = "shardId-000000000000";

    /// How long each of so many waits takes, milliseconds.
    async fn pauses(waiter: &mut Waiter, count: usize) -> Vec<u128> {
        let mut pauses = Vec::new();
        for _ in 0..count {
            let began = Instant::now();
            waiter.reading();
            waiter.wait().await;
            pauses.push(began.elapsed().as_millis());
        }
        pauses
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_shard_is_asked_ever_less_often_and_soon_after_records() {
        let mut waiter = Wake::polled().for_records(SHARD);
        let growing = [10, 20, 40, 80, 160, 250, 250, 250];
        assert_eq!(pauses(&mut waiter, 8).await, growing);
        waiter.found();
        assert_eq!(pauses(&mut waiter, 8).await, growing);
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_minute_is_some_240_reads_and_30_lists_of_shards() {
        for (mut waiter, expected) in [
            (Wake::polled().for_records(SHARD), 244),
            (Wake::polled().for_shards(), 30),
        ] {
            let (began, mut reads) = (Instant::now(), 0);
            while began.elapsed() < Duration::from_mins(1) {
                pauses(&mut waiter, 1).await;
                reads += 1;
            }
            assert_eq!(reads, expected);
        }
    }
}
