//! A function: its configuration and its execution environments.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::join_all;
use tokio::{
    sync::{Semaphore, mpsc},
    time::sleep_until,
};

use super::{
    MAX_PAYLOAD,
    environment::Environment,
    log::LogSink,
    outcome::{FunctionError, Outcome},
    pool::{Lease, Pool},
};
use aws_wire::ACCOUNT_ID;

/// How long an environment is kept without an invocation. AWS documents no
/// figure.
pub const IDLE_TIMEOUT: Duration = Duration::from_mins(10);

/// The variable by which a function says that one of its processes takes several
/// invocations at once; `lambda_runtime::run_concurrent` reads it.
const MAX_CONCURRENCY: &str = "AWS_LAMBDA_MAX_CONCURRENCY";

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
    /// How long an environment is kept without an invocation.
    pub idle_timeout: Duration,
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

    /// Invocations that one environment takes at once: 1, unless the function's
    /// own variables have `AWS_LAMBDA_MAX_CONCURRENCY`.
    #[must_use]
    pub fn places(&self) -> usize {
        let places = self.environment.get(MAX_CONCURRENCY);
        let places = places.and_then(|places| places.parse().ok());
        places.filter(|places| *places > 0).unwrap_or(1)
    }
}

/// What an invocation brings.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The event.
    pub payload: Bytes,
    /// `X-Amz-Client-Context`.
    pub client_context: Option<String>,
    /// Whether the end of the log is asked for: `X-Amz-Log-Type: Tail`.
    pub log_tail: bool,
    /// Where the pieces of a streamed response go as they come; without it they
    /// are put together.
    pub chunks: Option<mpsc::Sender<Bytes>>,
}

impl From<Bytes> for Request {
    fn from(payload: Bytes) -> Self {
        Self {
            payload,
            ..Self::default()
        }
    }
}

/// What an invocation has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invoked {
    /// How it ended.
    pub outcome: Outcome,
    /// The last 4 KB of its log, where they were asked for.
    pub log_tail: Option<Vec<u8>>,
}

/// A function that can be invoked. Environments are started as invocations need
/// them, kept, used again, and shut down when they have been idle for long.
pub struct Function {
    config: FunctionConfig,
    log: LogSink,
    /// What new environments start; the configuration has the first one.
    bootstrap: RwLock<PathBuf>,
    pool: Arc<Pool>,
    places: Semaphore,
    /// Starts at once. Where an environment takes several invocations it is one:
    /// those that come meanwhile find their place in what is being started.
    starts: Semaphore,
    started: AtomicU64,
    reaped: AtomicBool,
}

impl Function {
    /// A function without environments; its lines go to `log`.
    #[must_use]
    pub fn new(config: FunctionConfig, log: LogSink) -> Self {
        Self {
            places: Semaphore::new(config.concurrency.saturating_mul(config.places())),
            starts: Semaphore::new(match config.places() {
                1 => config.concurrency,
                _ => 1,
            }),
            bootstrap: RwLock::new(config.bootstrap.clone()),
            config,
            log,
            pool: Arc::default(),
            started: AtomicU64::new(0),
            reaped: AtomicBool::new(false),
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

    /// How many environments there are.
    #[must_use]
    pub fn environments(&self) -> usize {
        self.pool.len()
    }

    /// Starts one environment ahead of the first invocation, so that an init
    /// that cannot succeed shows at once.
    ///
    /// # Errors
    ///
    /// The init failed.
    pub async fn warm_up(&self) -> Result<(), FunctionError> {
        let environment = self.start_environment().await?;
        self.pool.add(environment);
        Ok(())
    }

    /// Replaces the executable: environments that are started from now on run it,
    /// those that there are finish what they are doing. Does nothing unless its
    /// init succeeds.
    ///
    /// # Errors
    ///
    /// The init of the new one failed; the function goes on with the old one.
    pub async fn replace(&self, bootstrap: PathBuf) -> Result<(), FunctionError> {
        let environment = self.start(&bootstrap).await?;
        *self
            .bootstrap
            .write()
            .unwrap_or_else(PoisonError::into_inner) = bootstrap;
        let idle = self.pool.retire();
        self.pool.add(environment);
        shut_down(idle).await;
        Ok(())
    }

    /// Invokes the function with an event and waits for how it ends.
    pub async fn invoke(&self, request: impl Into<Request>) -> Invoked {
        let request = request.into();
        let bytes = request.payload.len();
        if bytes > MAX_PAYLOAD {
            return Outcome::TooLarge { bytes }.into();
        }
        let Ok(_place) = self.places.try_acquire() else {
            return Outcome::Throttled.into();
        };
        let lease = match self.lease().await {
            Ok(lease) => lease,
            Err(error) => return Outcome::FunctionError(error).into(),
        };
        let Some(environment) = lease.environment() else {
            return Outcome::Throttled.into();
        };
        let (answer, log_tail) = environment.invoke(request).await;
        if let Some(retired) = lease.give_back() {
            tokio::spawn(async move { retired.shut_down().await });
        }
        let outcome = match answer {
            Ok(answer) => Outcome::Success(answer),
            Err(error) => Outcome::FunctionError(error),
        };
        Invoked { outcome, log_tail }
    }

    /// A place in an environment, which is started where none has one.
    async fn lease(&self) -> Result<Lease, FunctionError> {
        loop {
            if let Some(lease) = self.pool.lease() {
                return Ok(lease);
            }
            let _start = self.starts.acquire().await;
            if let Some(lease) = self.pool.lease() {
                return Ok(lease);
            }
            // Another invocation may take the new one's place; then there is one
            // more to start, and never more than `places` allows.
            let environment = self.start_environment().await?;
            self.pool.add(environment);
        }
    }

    /// Ends all environments that have no invocation under way, and each of the
    /// others when it has.
    pub async fn shut_down(&self) {
        shut_down(self.pool.retire()).await;
    }

    async fn start_environment(&self) -> Result<Environment, FunctionError> {
        let bootstrap = self
            .bootstrap
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        self.start(&bootstrap).await
    }

    async fn start(&self, bootstrap: &std::path::Path) -> Result<Environment, FunctionError> {
        if !self.reaped.swap(true, Relaxed) {
            tokio::spawn(reap(Arc::downgrade(&self.pool), self.config.idle_timeout));
        }
        let number = self.started.fetch_add(1, Relaxed) + 1;
        Environment::start(&self.config, bootstrap, number, &self.log).await
    }
}

impl From<Outcome> for Invoked {
    fn from(outcome: Outcome) -> Self {
        Self {
            outcome,
            log_tail: None,
        }
    }
}

/// Shuts environments down that have been idle for `longest`, as long as the
/// function is there.
async fn reap(pool: std::sync::Weak<Pool>, longest: Duration) {
    while let Some(kept) = pool.upgrade() {
        let (idle, next) = kept.take_idle(longest);
        drop(kept);
        shut_down(idle).await;
        sleep_until(next).await;
    }
}

async fn shut_down(environments: Vec<Arc<Environment>>) {
    join_all(
        environments
            .iter()
            .map(|environment| environment.shut_down()),
    )
    .await;
}

/// Functions by name.
pub type Functions = Arc<BTreeMap<String, Arc<Function>>>;
