//! When to read again after a read that returned no record.

use std::time::Duration;

use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

/// A read at least this often keeps the iterator from expiring (five minutes).
const HEARTBEAT: Duration = Duration::from_mins(1);

/// Decides when a mapping reads again: a source in this process can push, any other is
/// polled ([`Polling`]).
pub trait PollTrigger: Send + Sync {
    /// Waits for records of `shard`.
    fn for_records(&self, shard: &str) -> Waiter;

    /// Waits for a change of the list of shards.
    fn for_shards(&self) -> Waiter;
}

/// Polls: soon after records arrived, and less and less often while no record arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Polling {
    /// The shortest pause.
    pub fast: Duration,
    /// The longest pause.
    pub slow: Duration,
}

impl Default for Polling {
    /// For an endpoint on this machine: 10 to 250 ms.
    fn default() -> Self {
        Self {
            fast: Duration::from_millis(10),
            slow: Duration::from_millis(250),
        }
    }
}

impl PollTrigger for Polling {
    fn for_records(&self, _shard: &str) -> Waiter {
        Waiter::polled(self.fast, self.slow)
    }

    fn for_shards(&self) -> Waiter {
        // A split or merge is rare, and shows also when a shard ends.
        Waiter::polled(self.slow * 8, self.slow * 8)
    }
}

/// Waits for one thing: a shard's records, or a stream's list of shards.
#[derive(Debug)]
pub struct Waiter {
    pushed: Option<watch::Receiver<u64>>,
    fast: Duration,
    slow: Duration,
    next: Duration,
}

impl Waiter {
    /// Waits until `receiver` changes, since somebody pushes. At most a minute, so that
    /// the shard iterator does not expire.
    #[must_use]
    pub fn pushed(receiver: watch::Receiver<u64>) -> Self {
        Self {
            pushed: Some(receiver),
            fast: HEARTBEAT,
            slow: HEARTBEAT,
            next: HEARTBEAT,
        }
    }

    /// Waits `fast` after a read that found records, and twice as long after each
    /// read that did not, up to `slow`.
    #[must_use]
    pub fn polled(fast: Duration, slow: Duration) -> Self {
        Self {
            pushed: None,
            fast,
            slow,
            next: fast,
        }
    }

    /// Call it right before a read: a record that arrives from then on ends the next
    /// [`Waiter::wait`].
    pub fn reading(&mut self) {
        if let Some(receiver) = &mut self.pushed {
            receiver.mark_unchanged();
        }
    }

    /// Call it when a read returned records: the next pause is the shortest.
    pub fn found(&mut self) {
        self.next = self.fast;
    }

    /// Waits until the next read is due.
    pub async fn wait(&mut self) {
        let pause = self.next;
        self.next = (pause * 2).min(self.slow);
        match &mut self.pushed {
            // An error means that the sender is gone; the heartbeat remains.
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
    use super::{PollTrigger, Polling, Waiter};
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
    async fn an_idle_shard_is_polled_less_and_less_often_and_soon_after_records() {
        let mut waiter = Polling::default().for_records(SHARD);
        let growing = [10, 20, 40, 80, 160, 250, 250, 250];
        assert_eq!(pauses(&mut waiter, 8).await, growing);
        waiter.found();
        assert_eq!(pauses(&mut waiter, 8).await, growing);
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_minute_takes_244_reads_and_30_lists_of_shards() {
        for (mut waiter, expected) in [
            (Polling::default().for_records(SHARD), 244),
            (Polling::default().for_shards(), 30),
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
