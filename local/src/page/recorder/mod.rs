//! Records what happens to each record, from the first page that is opened until the
//! environment stops. Until then nothing is recorded, and no detail of an event is built.

mod counts;
mod invocations;
mod outbox;
mod record;
mod rings;
mod state;
#[cfg(test)]
mod tests;

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use tokio_util::sync::CancellationToken;

use crate::events::{Details, EventBus, Happened};

pub(crate) use self::{
    counts::Counts,
    invocations::Invocation,
    outbox::Discarded,
    record::{Mark, Recorded, Status, Summary},
    rings::CallMade,
    state::{State, milliseconds},
};

/// Events that are applied before others may read what is recorded.
const AT_ONCE: usize = 1024;

/// A recorder. Clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Recorder {
    bus: EventBus,
    state: Arc<Mutex<State>>,
    started: Arc<AtomicBool>,
    ended: CancellationToken,
}

impl Recorder {
    /// A recorder of `bus` that has not started.
    pub(crate) fn new(bus: EventBus) -> Self {
        Self {
            bus,
            state: Arc::default(),
            started: Arc::default(),
            ended: CancellationToken::new(),
        }
    }

    /// Records from now on. Returns whether it has done so before.
    pub(crate) fn start(&self) -> bool {
        if self.started.swap(true, Relaxed) {
            return true;
        }
        let (mut details, state) = (self.bus.record(), self.state.clone());
        let ended = self.ended.clone();
        tokio::spawn(async move {
            while let Some(first) = details.next().await {
                apply(&mut lock(&state), &first, &mut details);
                tokio::task::yield_now().await;
            }
            ended.cancel();
        });
        false
    }

    /// Is cancelled once everything is recorded, after the bus was closed.
    pub(crate) fn ended(&self) -> CancellationToken {
        self.ended.clone()
    }

    /// What is recorded. Not to be held for long: events wait for it.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// The counts since the last call.
    pub(crate) fn take_counts(&self) -> Counts {
        std::mem::take(&mut self.state().counts)
    }
}

/// Applies an event, and those that were published already.
fn apply(state: &mut State, first: &Happened, details: &mut Details) {
    state.apply(first);
    for _ in 1..AT_ONCE {
        let Some(next) = details.try_next() else {
            return;
        };
        state.apply(&next);
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
