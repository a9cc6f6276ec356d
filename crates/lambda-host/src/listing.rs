//! The execution environments of a function, for whoever shows them or ends one.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::{Function, FunctionConfig, outcome::FunctionError};

/// An execution environment at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its number, from 1.
    pub number: u64,
    /// What it does.
    pub state: State,
    /// Since its process was started.
    pub age: Duration,
    /// The peak memory of its process, MB, where the system tells.
    pub memory_mb: Option<u32>,
    /// Invocations that it was given.
    pub invocations: u64,
}

/// What an execution environment does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Its init has not ended.
    Init,
    /// Its runtime waits for an invocation.
    Idle,
    /// It has an invocation.
    Busy,
}

impl Function {
    /// The execution environments, by number.
    #[must_use]
    pub fn list(&self) -> Vec<Listed> {
        let mut all = self.pool.list();
        all.extend(
            self.initialising
                .all()
                .into_iter()
                .map(|(number, age)| Listed {
                    number,
                    state: State::Init,
                    age,
                    memory_mb: None,
                    invocations: 0,
                }),
        );
        all.sort_by_key(|one| one.number);
        all
    }

    /// How many environments have an invocation.
    #[must_use]
    pub fn busy(&self) -> usize {
        self.pool.busy()
    }

    /// Kills the environment of this number, with the invocations that it has: they end as
    /// when the process exits by itself. Returns whether there was one.
    pub fn kill(&self, number: u64) -> bool {
        self.pool.kill(number)
    }

    /// Ends all environments, each with an invocation once it has finished, and starts a
    /// new one with the same configuration.
    ///
    /// # Errors
    ///
    /// The init failed; the next invocation tries again.
    pub async fn restart(&self) -> Result<(), FunctionError> {
        let unchanged = |_: &mut FunctionConfig| {};
        self.configure(unchanged).await.shut_down().await;
        self.warm_up().await
    }
}

/// The environments in init, by number, and since when.
#[derive(Default)]
pub(super) struct Initialising(Mutex<BTreeMap<u64, Instant>>);

/// Lists an environment as being in init until it is dropped.
pub(super) struct InInit<'a> {
    all: &'a Initialising,
    number: u64,
}

impl Initialising {
    /// The environment of this number is in init from now on.
    pub(super) fn begin(&self, number: u64) -> InInit<'_> {
        self.lock().insert(number, Instant::now());
        InInit { all: self, number }
    }

    fn all(&self) -> Vec<(u64, Duration)> {
        let all = self.lock();
        let all = all.iter();
        all.map(|(number, since)| (*number, since.elapsed()))
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for InInit<'_> {
    fn drop(&mut self) {
        self.all.lock().remove(&self.number);
    }
}
