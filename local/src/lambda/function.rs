//! A function: its configuration and its execution environments.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::join_all;
use tokio::sync::Semaphore;

use super::{
    MAX_PAYLOAD,
    environment::Environment,
    log::LogSink,
    outcome::{FunctionError, Outcome},
};
use crate::aws::ACCOUNT_ID;

/// What a function needs to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionConfig {
    /// Its name.
    pub name: String,
    /// The executable.
    pub bootstrap: PathBuf,
    /// `_HANDLER`.
    pub handler: String,
    /// How long an invocation may take.
    pub timeout: Duration,
    /// Memory, MB: shown to the function, not enforced.
    pub memory_mb: u32,
    /// Environment variables over those that Lambda sets.
    pub environment: BTreeMap<String, String>,
    /// The region it believes to run in.
    pub region: String,
    /// The most environments at once; an invocation beyond is throttled.
    pub concurrency: usize,
}

impl FunctionConfig {
    /// The function's ARN.
    #[must_use]
    pub fn arn(&self) -> String {
        format!(
            "arn:aws:lambda:{}:{ACCOUNT_ID}:function:{}",
            self.region, self.name
        )
    }
}

/// A function that can be invoked. Environments are started as invocations need
/// them, kept, and used again.
pub struct Function {
    config: FunctionConfig,
    log: LogSink,
    idle: Mutex<Vec<Environment>>,
    places: Semaphore,
    started: AtomicU64,
}

impl Function {
    /// A function without environments; its lines go to `log`.
    #[must_use]
    pub fn new(config: FunctionConfig, log: LogSink) -> Self {
        Self {
            places: Semaphore::new(config.concurrency),
            config,
            log,
            idle: Mutex::default(),
            started: AtomicU64::new(0),
        }
    }

    /// Its configuration.
    #[must_use]
    pub fn config(&self) -> &FunctionConfig {
        &self.config
    }

    /// How many environments have been started: each one was a cold start.
    #[must_use]
    pub fn cold_starts(&self) -> u64 {
        self.started.load(Relaxed)
    }

    /// Starts one environment ahead of the first invocation, so that an init
    /// that cannot succeed shows at once.
    ///
    /// # Errors
    ///
    /// The init failed.
    pub async fn warm_up(&self) -> Result<(), FunctionError> {
        let environment = self.start_environment().await?;
        self.idle().push(environment);
        Ok(())
    }

    /// Invokes the function with an event and waits for how it ends.
    pub async fn invoke(&self, payload: Bytes, client_context: Option<String>) -> Outcome {
        if payload.len() > MAX_PAYLOAD {
            return Outcome::TooLarge {
                bytes: payload.len(),
            };
        }
        let Ok(_place) = self.places.try_acquire() else {
            return Outcome::Throttled;
        };
        match self.run(payload, client_context).await {
            Ok(answer) => Outcome::Success(answer),
            Err(error) => Outcome::FunctionError(error),
        }
    }

    async fn run(
        &self,
        payload: Bytes,
        client_context: Option<String>,
    ) -> Result<Bytes, FunctionError> {
        let environment = match self.take_idle() {
            Some(environment) => environment,
            None => self.start_environment().await?,
        };
        let answer = environment.invoke(payload, client_context).await;
        if environment.is_usable() {
            self.idle().push(environment);
        }
        answer
    }

    /// Ends all idle environments. None is busy once no invocation is under way.
    pub async fn shut_down(&self) {
        let environments = std::mem::take(&mut *self.idle());
        join_all(environments.iter().map(Environment::shut_down)).await;
    }

    async fn start_environment(&self) -> Result<Environment, FunctionError> {
        let number = self.started.fetch_add(1, Relaxed) + 1;
        Environment::start(&self.config, number, &self.log).await
    }

    /// The environment used last, as its caches are warmest.
    fn take_idle(&self) -> Option<Environment> {
        let mut idle = self.idle();
        while let Some(environment) = idle.pop() {
            if environment.is_usable() {
                return Some(environment);
            }
        }
        None
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Environment>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Functions by name.
pub type Functions = Arc<BTreeMap<String, Arc<Function>>>;
