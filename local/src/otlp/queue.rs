//! What waits to be sent, with a bound.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use tokio::sync::Notify;

/// Bytes that wait at most: about 100,000 spans.
const MOST_BYTES: usize = 32 * 1024 * 1024;

/// What a request exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    Traces,
    Metrics,
}

impl Signal {
    /// In messages.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Traces => "traces",
            Self::Metrics => "metrics",
        }
    }
}

/// A request that waits.
#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) signal: Signal,
    pub(super) body: Bytes,
    /// Spans, or data points.
    pub(super) items: u64,
}

/// How much was not exported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Dropped {
    /// Invocations and discarded batches without a span.
    pub(super) traces: u64,
    pub(super) spans: u64,
    pub(super) data_points: u64,
}

/// Requests that wait, the oldest dropped.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Message>,
    bytes: usize,
    /// What the last request has that was taken.
    sending: Option<(Signal, u64)>,
    dropped: Dropped,
    closed: bool,
}

impl Queue {
    /// Adds a request. The oldest ones are dropped for it.
    pub(super) fn push(&self, message: Message) {
        let mut state = self.lock();
        state.bytes += message.body.len();
        state.waiting.push_back(message);
        while state.bytes > MOST_BYTES
            && let Some(oldest) = state.waiting.pop_front()
        {
            state.bytes -= oldest.body.len();
            state.dropped.add(oldest.signal, oldest.items);
        }
        drop(state);
        self.changed.notify_one();
    }

    /// No request follows.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_one();
    }

    /// The oldest request; `None` after the last one. For one task, which has sent the one
    /// before.
    pub(super) async fn next(&self) -> Option<Message> {
        loop {
            let changed = self.changed.notified();
            {
                let mut state = self.lock();
                state.sending = None;
                if let Some(message) = state.waiting.pop_front() {
                    state.bytes -= message.body.len();
                    state.sending = Some((message.signal, message.items));
                    return Some(message);
                }
                if state.closed {
                    return None;
                }
            }
            changed.await;
        }
    }

    /// So many spans or data points are not exported.
    pub(super) fn drop_items(&self, signal: Signal, items: u64) {
        self.lock().dropped.add(signal, items);
    }

    /// So many traces have no span.
    pub(super) fn drop_traces(&self, traces: u64) {
        self.lock().dropped.traces += traces;
    }

    /// Drops what waits, and what is being sent.
    pub(super) fn clear(&self) {
        let mut state = self.lock();
        if let Some((signal, items)) = state.sending.take() {
            state.dropped.add(signal, items);
        }
        while let Some(message) = state.waiting.pop_front() {
            state.dropped.add(message.signal, message.items);
        }
        state.bytes = 0;
    }

    /// How much was dropped.
    pub(super) fn dropped(&self) -> Dropped {
        self.lock().dropped
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Dropped {
    fn add(&mut self, signal: Signal, items: u64) {
        match signal {
            Signal::Traces => self.spans += items,
            Signal::Metrics => self.data_points += items,
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{Dropped, MOST_BYTES, Message, Queue, Signal};

    fn message(signal: Signal, bytes: usize, items: u64) -> Message {
        let body = Bytes::from(vec![0; bytes]);
        Message {
            signal,
            body,
            items,
        }
    }

    #[tokio::test]
    async fn a_full_queue_drops_the_oldest_and_counts_them() {
        let queue = Queue::default();
        queue.push(message(Signal::Traces, MOST_BYTES / 2, 7));
        queue.push(message(Signal::Metrics, MOST_BYTES / 2, 1));
        queue.push(message(Signal::Traces, 1, 2));
        let dropped = Dropped {
            spans: 7,
            ..Dropped::default()
        };
        assert_eq!(queue.dropped(), dropped);
        queue.close();
        assert_eq!(queue.next().await.unwrap().items, 1);
        assert_eq!(queue.next().await.unwrap().items, 2);
        queue.clear();
        assert_eq!(queue.dropped().spans, 9, "the one that is being sent, too");
        assert!(queue.next().await.is_none());
    }
}
