//! Records what happens to each record, from the first page that is opened until the
//! environment stops. Until then nothing is recorded, and no detail of an event is built.

mod counts;
mod invocations;
mod kept;
mod outbox;
mod record;
mod rings;
mod state;
#[cfg(test)]
mod tests;

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use time::OffsetDateTime;
use tokio::time::sleep;
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

/// Remembers the journey of a failed record, of which more is known now than later: calls and
/// log lines are dropped before it.
pub(crate) type Remember = Box<dyn Fn(&State, u64, &Recorded) + Send>;

/// How long events gather before they are applied: a wake-up for each would cost more than
/// the event.
const NAP: Duration = Duration::from_millis(5);

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

    /// Records from now on, and remembers what failed. Returns whether it has done so before.
    pub(crate) fn start(&self, remember: impl FnOnce() -> Remember) -> bool {
        if self.started.swap(true, Relaxed) {
            return true;
        }
        let (mut details, state) = (self.bus.record(), self.state.clone());
        let (ended, remember) = (self.ended.clone(), remember());
        tokio::spawn(async move {
            while let Some(first) = details.next().await {
                sleep(NAP).await;
                let mut next = Some(first);
                while let Some(first) = next {
                    record(&mut lock(&state), &first, &mut details, &remember);
                    tokio::task::yield_now().await;
                    next = details.try_next();
                }
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

fn record(state: &mut State, first: &Happened, details: &mut Details, remember: &Remember) {
    apply(state, first, details);
    let now = milliseconds(OffsetDateTime::now_utc());
    if let Some(number) = state.records.take_ended(now)
        && let Some(record) = state.records.get(number)
    {
        remember(state, number, record);
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
