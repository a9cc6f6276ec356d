//! A function: its configuration and its execution environments.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, PoisonError, RwLock, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use futures_util::{FutureExt, future::join_all};
use tokio::{
    sync::{Mutex, OwnedSemaphorePermit, Semaphore, oneshot},
    time::{Instant, sleep, timeout, timeout_at},
};
use uuid::Uuid;

use super::{
    Bootstrap, FunctionConfig, Invoked, LogStreams, MAX_PAYLOAD, Request,
    environment::{Environment, InitFailure, Start},
    exchange::{Busy, Event, Invocation},
    listing::Initialising,
    log::{LogSink, LogTail, LogWriter},
    observer::{self, NoObserver, Observer},
    outcome::{ErrorKind, FunctionError, Outcome},
    pool::Pool,
    trace,
};

pub use super::config::IDLE_TIMEOUT;

/// How long init may take (Lambda runtime environment lifecycle, "Init phase").
const INIT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long an invocation waits for a runtime that has answered its last one, before it
/// starts another environment. Runtimes ask again within a millisecond.
const SETTLE: Duration = Duration::from_millis(100);

/// How long it waits for that where no other environment may be started, before it is
/// throttled.
const SETTLE_AT_LIMIT: Duration = Duration::from_secs(1);

/// A function that can be invoked.
///
/// Execution environments start as invocations need them, are used again, and are shut down
/// when they have been idle for [`FunctionConfig::idle_timeout`]. An invocation goes only to
/// an environment whose runtime waits for one.
pub struct Function {
    /// What new environments start with.
    config: RwLock<Arc<FunctionConfig>>,
    /// Held while the configuration changes: an init that tests a new bootstrap must not end
    /// up beside another configuration.
    changing: Mutex<()>,
    log: LogWriter,
    observer: Arc<dyn Observer>,
    streams: Option<Arc<dyn LogStreams>>,
    init_timeout: Duration,
    pub(super) pool: Arc<Pool>,
    /// Concurrent invocations that are left. Its waiters get them in order.
    slots: Arc<Semaphore>,
    /// Room for waiting asynchronous events, KiB.
    pub(super) queue: Arc<Semaphore>,
    started: AtomicU64,
    pub(super) initialising: Initialising,
    reaped: AtomicBool,
}

impl Function {
    /// A function without environments; its output goes to `log`.
    #[must_use]
    pub fn new(config: FunctionConfig, log: LogSink) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(all_slots(&config))),
            queue: Arc::new(Semaphore::new(super::asynchronous::MAX_QUEUED_KIB)),
            init_timeout: INIT_TIMEOUT,
            config: RwLock::new(Arc::new(config)),
            changing: Mutex::new(()),
            log: LogWriter::new(log),
            observer: Arc::new(NoObserver),
            streams: None,
            pool: Arc::default(),
            started: AtomicU64::new(0),
            initialising: Initialising::default(),
            reaped: AtomicBool::new(false),
        }
    }

    /// Replaces the 10 s that the first attempt at an init may take.
    #[must_use]
    pub fn with_init_timeout(mut self, init_timeout: Duration) -> Self {
        self.init_timeout = init_timeout;
        self
    }

    /// Tells `observer` of every execution environment and every invocation.
    #[must_use]
    pub fn observed_by(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = observer;
        self
    }

    /// Keeps what its execution environments write, and Lambda's own events around it, in
    /// `streams`.
    #[must_use]
    pub fn kept_in(mut self, streams: Arc<dyn LogStreams>) -> Self {
        self.streams = Some(streams);
        self
    }

    /// The configuration that new environments start with.
    #[must_use]
    pub fn config(&self) -> Arc<FunctionConfig> {
        let config = self.config.read().unwrap_or_else(PoisonError::into_inner);
        config.clone()
    }

    /// How many environments have been started: each was a cold start.
    #[must_use]
    pub fn cold_starts(&self) -> u64 {
        self.started.load(Relaxed)
    }

    /// How many environments run.
    #[must_use]
    pub fn environments(&self) -> usize {
        self.pool.len()
    }

    /// Starts an environment before the first invocation, so that an init that cannot succeed
    /// shows at once.
    ///
    /// # Errors
    ///
    /// The init failed.
    pub async fn warm_up(&self) -> Result<(), FunctionError> {
        let room = self.pool.extra_room();
        room.fill(self.start(&self.config()).await?);
        Ok(())
    }

    /// Replaces what environments run. New environments run the new bootstrap, and environments
    /// with an invocation finish it first.
    ///
    /// # Errors
    ///
    /// The init of the new bootstrap failed; the function keeps the old one.
    pub async fn replace(&self, bootstrap: impl Into<Bootstrap>) -> Result<(), FunctionError> {
        let _changing = self.changing.lock().await;
        let mut config = FunctionConfig::clone(&self.config());
        config.bootstrap = bootstrap.into();
        let environment = self.start(&config).await?;
        self.set(config);
        let idle = self.pool.retire();
        self.pool.extra_room().fill(environment);
        shut_down(idle).await;
        Ok(())
    }

    /// Changes the configuration (API reference, `UpdateFunctionConfiguration`). When this
    /// returns, new environments start with it, and environments with an invocation get no
    /// further one. No environment is started to try it.
    pub async fn configure(&self, change: impl FnOnce(&mut FunctionConfig)) -> Retired {
        let _changing = self.changing.lock().await;
        let mut config = FunctionConfig::clone(&self.config());
        change(&mut config);
        self.set(config);
        Retired(self.pool.retire())
    }

    /// Changes how many environments may run at once (API reference,
    /// `PutFunctionConcurrency`). Invocations under way, and those that wait for a slot
    /// already, are not throttled. Environments stay.
    pub async fn set_concurrency(&self, concurrency: usize) {
        let _changing = self.changing.lock().await;
        let mut config = FunctionConfig::clone(&self.config());
        config.concurrency = concurrency;
        self.set(config);
    }

    fn set(&self, config: FunctionConfig) {
        let after = all_slots(&config);
        let before = {
            let mut current = self.config.write().unwrap_or_else(PoisonError::into_inner);
            let before = all_slots(&current);
            *current = Arc::new(config);
            before
        };
        if after >= before {
            self.slots.add_permits(after - before);
            return;
        }
        let taken = before - after - self.slots.forget_permits(before - after);
        // The slots that are taken go when they are free, before anybody waits for them.
        if let Ok(taken @ 1..) = u32::try_from(taken) {
            let mut freed = Box::pin(self.slots.clone().acquire_many_owned(taken));
            match (&mut freed).now_or_never() {
                Some(Ok(freed)) => freed.forget(),
                Some(Err(_)) => {}
                None => drop(tokio::spawn(async move {
                    if let Ok(freed) = freed.await {
                        freed.forget();
                    }
                })),
            }
        }
    }

    /// Invokes the function and waits for the outcome. When all of its slots are taken, the
    /// outcome is [`Outcome::Throttled`].
    ///
    /// The payload must be JSON. When the returned future is dropped, the environment is
    /// killed.
    pub async fn invoke(&self, request: impl Into<Request>) -> Invoked {
        let request = request.into();
        let slot = match self.slots.clone().try_acquire_owned() {
            _ if self.config().concurrency == 0 => None,
            Ok(slot) => Some(slot),
            // A runtime that has just answered frees its slot when it asks for the next
            // invocation: that is soon, unless it works on.
            Err(_) if self.pool.is_expected() || self.pool.is_leaving() => {
                let slot = timeout(SETTLE_AT_LIMIT, self.slots.clone().acquire_owned());
                slot.await.ok().and_then(Result::ok)
            }
            Err(_) => None,
        };
        self.invoke_in(slot, request).await
    }

    /// Invokes the function like [`Function::invoke`], and waits when all slots are taken.
    /// Callers get slots in the order in which they asked.
    pub async fn invoke_when_free(&self, request: impl Into<Request>) -> Invoked {
        let request = request.into();
        let slot = match self.config().concurrency {
            0 => None,
            _ => self.slots.clone().acquire_owned().await.ok(),
        };
        self.invoke_in(slot, request).await
    }

    /// The same, and throttles when no slot is free within `wait`.
    pub async fn invoke_within(&self, wait: Duration, request: impl Into<Request>) -> Invoked {
        let request = request.into();
        let slot = match self.config().concurrency {
            0 => None,
            _ => match timeout(wait, self.slots.clone().acquire_owned()).await {
                Ok(slot) => slot.ok(),
                Err(_) => None,
            },
        };
        self.invoke_in(slot, request).await
    }

    async fn invoke_in(&self, slot: Option<OwnedSemaphorePermit>, request: Request) -> Invoked {
        let request_id = request.request_id;
        let request_id = request_id.unwrap_or_else(|| Uuid::new_v4().to_string());
        let config = self.config();
        let (function, invoker) = (config.name.as_str(), request.invoker);
        let ended = |environment, took, outcome, log_tail| {
            self.observer.invocation_ended(&observer::Ended {
                function,
                environment,
                request_id: &request_id,
                invoker,
                took,
                outcome: &outcome,
            });
            Invoked {
                request_id: request_id.clone(),
                outcome,
                log_tail,
            }
        };
        let invoked = |outcome, log_tail| ended(None, Duration::ZERO, outcome, log_tail);
        let bytes = request.payload.len();
        if bytes > MAX_PAYLOAD {
            return invoked(Outcome::TooLarge { bytes }, None);
        }
        let Some(permit) = slot else {
            return invoked(Outcome::Throttled, None);
        };
        let trace = request.trace_id;
        let trace = trace.unwrap_or_else(|| trace::header(config.sampled));
        let (answer, answered) = oneshot::channel();
        let (released, next_asked_for) = oneshot::channel();
        let invocation = Invocation {
            event: Event {
                request_id: request_id.clone(),
                payload: request.payload,
                client_context: request.client_context,
                trace: trace.clone(),
            },
            chunks: request.chunks,
            answer,
            busy: Busy { permit, released },
            log_tail: request.log_tail,
        };
        let environment = match self.hand_over(Box::new(invocation)).await {
            Ok(environment) => environment,
            Err(error) => return invoked(Outcome::FunctionError(error), None),
        };
        let began = Instant::now();
        self.observer.invocation_started(&observer::Started {
            function,
            environment: environment.number(),
            request_id: &request_id,
            trace: &trace,
            invoker,
        });
        let abandoned = KillOnDrop(Some(environment.clone()));
        let answer = environment.answer(&request_id, began, answered).await;
        let took = began.elapsed();
        abandoned.disarm();
        end_at(environment.deadline(began), &environment, next_asked_for);
        let log_tail = if request.log_tail {
            let report = environment.report(&request_id, took);
            let log = LogTail { report };
            Some(log.around(&environment.tail().await))
        } else {
            None
        };
        let outcome = match answer {
            Ok(answer) => Outcome::Success(answer),
            Err(error) => Outcome::FunctionError(error),
        };
        ended(Some(environment.number()), took, outcome, log_tail)
    }

    /// Gives an invocation, which has a slot, to a runtime that waits; starts an environment
    /// where none does.
    async fn hand_over(
        &self,
        mut invocation: Box<Invocation>,
    ) -> Result<Arc<Environment>, FunctionError> {
        let settled = Instant::now() + SETTLE;
        loop {
            let changed = self.pool.changed();
            match self.pool.hand_over(invocation) {
                Ok(environment) => return Ok(environment),
                Err(back) => invocation = back,
            }
            if Instant::now() < settled && self.pool.is_expected() {
                let _ = timeout_at(settled, changed).await;
                continue;
            }
            if Instant::now() >= settled {
                self.pool.kill_stalled();
            }
            // A runtime for several invocations starts once for those that come meanwhile.
            let config = self.config();
            let one_by_one = config.slots() > 1;
            // It has a slot, though the concurrency may have become 0 since.
            let most = config.concurrency.max(1);
            let Some(room) = self.pool.room(most, one_by_one) else {
                let _ = timeout(SETTLE, changed).await;
                continue;
            };
            // Another invocation may take the new environment; then there is one more to
            // start, and never more than the concurrency allows.
            room.fill(self.start(&config).await?);
        }
    }

    /// Shuts down all environments without an invocation, and each of the others when it has
    /// finished; then waits until their output is written, at most half a second.
    pub async fn shut_down(&self) {
        shut_down(self.pool.retire()).await;
        self.log.flush().await;
    }

    /// Starts an environment. An init that takes too long is tried again with the function's
    /// time-out, as Lambda does at the first invocation.
    async fn start(&self, config: &FunctionConfig) -> Result<Environment, FunctionError> {
        if !self.reaped.swap(true, Relaxed) {
            tokio::spawn(reap(Arc::downgrade(&self.pool), config.idle_timeout));
        }
        match self.start_within(config, self.init_timeout).await {
            Err(InitFailure::TimedOut(_)) => {}
            Err(InitFailure::Failed(error)) => return Err(error),
            Ok(environment) => return Ok(environment),
        }
        let second = self.start_within(config, config.timeout).await;
        second.map_err(|failure| match failure {
            InitFailure::Failed(error) => error,
            InitFailure::TimedOut(error) => {
                let seconds = config.timeout.as_secs_f64();
                let why = error.message();
                let message = format!("Task timed out after {seconds:.2} seconds: {why}");
                FunctionError::new(ErrorKind::Init, "Sandbox.Timedout", &message)
            }
        })
    }

    async fn start_within(
        &self,
        config: &FunctionConfig,
        limit: Duration,
    ) -> Result<Environment, InitFailure> {
        let number = self.started.fetch_add(1, Relaxed) + 1;
        let _initialising = self.initialising.begin(number);
        let start = Start {
            config,
            number,
            limit,
            log: &self.log,
            changed: self.pool.notify(),
            observer: &self.observer,
            streams: self.streams.as_ref(),
        };
        Environment::start(start).await
    }
}

/// Environments without an invocation that ran an earlier configuration. Dropped, they are
/// killed; the others end by themselves when they have finished.
#[must_use = "dropping it kills the environments without their shutdown"]
pub struct Retired(Vec<Arc<Environment>>);

impl Retired {
    /// Shuts them down: SIGTERM, and SIGKILL half a second later.
    pub async fn shut_down(self) {
        shut_down(self.0).await;
    }
}

/// Invocations that a function takes at once.
fn all_slots(config: &FunctionConfig) -> usize {
    let slots = config.concurrency.saturating_mul(config.slots());
    slots.min(Semaphore::MAX_PERMITS)
}

/// Kills an environment whose invocation was abandoned: nobody waits for its result.
struct KillOnDrop(Option<Arc<Environment>>);

impl KillOnDrop {
    fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        if let Some(environment) = &self.0 {
            environment.kill();
        }
    }
}

/// Kills an environment that has answered and does not ask for its next invocation before
/// `deadline`: the time-out covers all of the Invoke phase.
fn end_at(deadline: Instant, environment: &Arc<Environment>, mut next: oneshot::Receiver<()>) {
    if next.try_recv() == Err(oneshot::error::TryRecvError::Closed) {
        return;
    }
    let environment = Arc::downgrade(environment);
    tokio::spawn(async move {
        if timeout_at(deadline, next).await.is_err()
            && let Some(environment) = environment.upgrade()
        {
            environment.kill();
        }
    });
}

/// Shuts down environments that have been idle for `longest`, while the function exists.
async fn reap(pool: Weak<Pool>, longest: Duration) {
    while let Some(kept) = pool.upgrade() {
        let (idle, next) = kept.take_idle(longest);
        drop(kept);
        shut_down(idle).await;
        sleep(next).await;
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
