//! One mapping of the registry: what it is to be, what it does now, and how it gets there.

use std::time::Duration;

use time::OffsetDateTime;
use tokio::{
    sync::{Mutex, watch},
    time::timeout,
};

use super::{
    CheckpointError,
    definition::{Definition, Origin},
    running::{MappingWatch, Paused, RunningMapping},
};

/// How long a mapping is `Creating`, `Enabling` or `Updating` at the longest: a stream that
/// cannot be listed is retried in the state `Enabled`.
const READY: Duration = Duration::from_secs(5);

/// `State` (API reference, `EventSourceMappingConfiguration`), and `Deleted`, which the API
/// never shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It starts for the first time.
    Creating,
    /// It starts again.
    Enabling,
    /// It reads.
    Enabled,
    /// It finishes the invocations under way and stops.
    Disabling,
    /// It does not read.
    Disabled,
    /// It stops, and starts with other options.
    Updating,
    /// It stops for good.
    Deleting,
    /// It is gone.
    Deleted,
}

impl State {
    /// The API's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Creating => "Creating",
            Self::Enabling => "Enabling",
            Self::Enabled => "Enabled",
            Self::Disabling => "Disabling",
            Self::Disabled => "Disabled",
            Self::Updating => "Updating",
            Self::Deleting => "Deleting",
            Self::Deleted => "Deleted",
        }
    }

    /// Whether it changes by itself: until then the API refuses other changes.
    #[must_use]
    pub fn is_changing(self) -> bool {
        !matches!(self, Self::Enabled | Self::Disabled)
    }
}

/// A mapping at one moment.
#[derive(Clone)]
pub struct Now {
    /// What it is, or is about to be.
    pub definition: Definition,
    /// What it does.
    pub state: State,
    /// When its state or its options changed last.
    pub modified: OffsetDateTime,
    /// Its view, once it has run.
    pub watch: Option<MappingWatch>,
    /// Why it could not start.
    pub problem: Option<String>,
}

/// Starts a mapping; with a paused one, where that stopped.
pub(super) type Start<'a> =
    &'a (dyn Fn(&Definition, Option<Paused>) -> Result<RunningMapping, CheckpointError> + Sync);

/// A mapping of the registry.
pub(super) struct Entry {
    now: watch::Sender<Now>,
    /// Held by the one change that is under way.
    work: Mutex<Work>,
}

#[derive(Default)]
enum Work {
    #[default]
    Nothing,
    Paused(Paused),
    Running(RunningMapping),
}

impl Entry {
    /// A mapping in this state, which does not run.
    pub(super) fn new(definition: Definition, state: State) -> Self {
        let now = Now {
            definition,
            state,
            modified: OffsetDateTime::now_utc(),
            watch: None,
            problem: None,
        };
        Self {
            now: watch::Sender::new(now),
            work: Mutex::default(),
        }
    }

    pub(super) fn now(&self) -> Now {
        self.now.borrow().clone()
    }

    /// Begins a change.
    pub(super) fn begin(&self, definition: Definition, state: State) {
        self.now.send_modify(|now| {
            now.definition = definition;
            now.state = state;
            now.modified = OffsetDateTime::now_utc();
        });
    }

    /// Starts the mapping if its definition says so.
    ///
    /// # Errors
    ///
    /// Its checkpoints cannot be used.
    pub(super) fn start(&self, start: Start<'_>) -> Result<(), CheckpointError> {
        let definition = self.now().definition;
        if !definition.options.enabled() {
            self.reach(State::Disabled);
            return Ok(());
        }
        // Nothing else has it yet.
        if let Ok(mut work) = self.work.try_lock() {
            let running = start(&definition, None)?;
            self.show(&running);
            *work = Work::Running(running);
        }
        self.reach(State::Enabled);
        Ok(())
    }

    /// Waits until it delivers what is written from then on. The stream of a mapping that
    /// the template does not have may be gone: nothing waits for it.
    pub(super) async fn ready(&self) {
        let Work::Running(running) = &*self.work.lock().await else {
            return;
        };
        match self.now().definition.origin {
            Origin::Template => running.ready().await,
            Origin::Api => drop(timeout(READY, running.ready()).await),
        }
    }

    /// Stops the mapping, and starts it again if its definition says so.
    pub(super) async fn apply(&self, start: Start<'_>) {
        let mut work = self.work.lock().await;
        let paused = pause(&mut work).await;
        let definition = self.now().definition;
        if !definition.options.enabled() {
            *work = paused.map_or(Work::Nothing, Work::Paused);
            self.reach(State::Disabled);
            return;
        }
        match start(&definition, paused) {
            Ok(running) => {
                self.show(&running);
                let _ = timeout(READY, running.ready()).await;
                *work = Work::Running(running);
                self.reach(State::Enabled);
            }
            Err(error) => {
                tracing::error!(mapping = definition.name, %error, "the mapping does not start");
                self.now.send_modify(|now| {
                    now.definition.options.enable(false);
                    now.problem = Some(error.to_string());
                });
                self.reach(State::Disabled);
            }
        }
    }

    /// Stops the mapping for good.
    pub(super) async fn end(&self) {
        drop(pause(&mut *self.work.lock().await).await);
    }

    /// Ends the mapping in a few seconds.
    pub(super) async fn stop(&self) {
        if let Work::Running(running) = std::mem::take(&mut *self.work.lock().await) {
            running.stop().await;
        }
    }

    /// Waits until every record written so far is settled, through changes too. A mapping
    /// that is disabled or deleted has nothing to wait for.
    pub(super) async fn settled(&self) {
        let mut changes = self.now.subscribe();
        loop {
            let now = changes.borrow_and_update().clone();
            match (now.state, now.watch) {
                (State::Disabled | State::Deleted, _) => return,
                (_, Some(watch)) if watch.settled().await => return,
                // It stops, or has not started: that ends with another state.
                _ => {}
            }
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    pub(super) fn reach(&self, state: State) {
        self.now.send_modify(|now| {
            now.state = state;
            now.modified = OffsetDateTime::now_utc();
        });
    }

    fn show(&self, running: &RunningMapping) {
        self.now.send_modify(|now| {
            now.watch = Some(running.watch());
            now.problem = None;
        });
    }
}

async fn pause(work: &mut Work) -> Option<Paused> {
    match std::mem::take(work) {
        Work::Nothing => None,
        Work::Paused(paused) => Some(paused),
        Work::Running(running) => Some(running.pause().await),
    }
}
