//! An execution environment: one process and its Runtime API, one invocation at a time unless
//! its function asks for more. Its start, up to the end of init, is a cold start.

use std::{
    process::ExitStatus,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use time::OffsetDateTime;
use tokio::{
    sync::{Notify, oneshot},
    time::{Instant, timeout_at},
};

use super::{
    FunctionConfig, LogStreams,
    exchange::{Answer, Exchange, Invocation},
    listing::{Listed, State},
    log::LogWriter,
    observer::Observer,
    outcome::{ErrorKind, FunctionError},
    platform_log::{PlatformLog, Report},
    process::{Process, Program},
    runtime_api::{About, Init, RuntimeApi},
    variables,
};

/// How long a process has after SIGTERM (Lambda runtime environment lifecycle: 500 ms with an
/// internal extension).
const SHUTDOWN_GRACE: Duration = Duration::from_millis(500);

/// An environment that has finished init.
pub(super) struct Environment {
    exchange: Arc<Exchange>,
    platform: Arc<PlatformLog>,
    process: Process,
    number: u64,
    began: Instant,
    /// Invocations that it was given.
    invocations: AtomicU64,
    timeout: Duration,
    /// Dropped last: its port is the process's.
    api: RuntimeApi,
}

/// Why an environment did not finish init.
pub(super) enum InitFailure {
    /// It took too long; AWS tries again with more time.
    TimedOut(FunctionError),
    Failed(FunctionError),
}

/// The arguments that start an environment.
pub(super) struct Start<'a> {
    pub(super) config: &'a FunctionConfig,
    /// From 1.
    pub(super) number: u64,
    /// How long init may take.
    pub(super) limit: Duration,
    pub(super) log: &'a LogWriter,
    /// Notified whenever a slot of the environment is taken or free.
    pub(super) changed: Arc<Notify>,
    pub(super) observer: &'a Arc<dyn Observer>,
    /// Keeps what it writes.
    pub(super) streams: Option<&'a Arc<dyn LogStreams>>,
}

impl Environment {
    /// Starts a process and waits until it asks for its first invocation.
    ///
    /// # Errors
    ///
    /// The process cannot be started, ended, or did not get ready in time: the function error
    /// of the invocation that needed it.
    pub(super) async fn start(start: Start<'_>) -> Result<Self, InitFailure> {
        let config = start.config;
        let began = Instant::now();
        let now = start.streams.map(|streams| streams.now());
        let log_stream = variables::log_stream(now.unwrap_or_else(OffsetDateTime::now_utc));
        let runtime = config.bootstrap.variables.get("AWS_EXECUTION_ENV");
        let runtime = runtime.map(String::as_str);
        let platform = PlatformLog::open(config, start.streams, &log_stream, runtime);
        let platform = Arc::new(platform);
        platform.init_started(&config.region);
        let exchange = Exchange::new(config.slots(), start.changed.clone(), platform.clone());
        let exchange = Arc::new(exchange);
        let about = About {
            function: Arc::from(config.name.as_str()),
            handler: config.handler.clone(),
            arn: config.arn(),
            timeout: config.timeout,
        };
        let api = RuntimeApi::start(about, exchange.clone());
        let api = api
            .await
            .map_err(|error| init_failed(&format!("the Runtime API cannot listen: {error}")))?;
        let process = start_process(&start, &api, &log_stream, &platform).await;
        let process = process.map_err(|error| {
            InitFailure::Failed(FunctionError::new(
                ErrorKind::Init,
                "Runtime.InvalidEntrypoint",
                &format!(
                    "{} cannot be started: {error}",
                    config.bootstrap.program.display()
                ),
            ))
        })?;
        let (ended, connections) = (process.ended(), api.connections());
        let closes = exchange.clone();
        let (observer, number) = (start.observer.clone(), start.number);
        let function = config.name.clone();
        tokio::spawn(async move {
            let status = ended.await;
            observer.environment_ended(&function, number);
            // It may have answered just before it ended.
            connections.drained().await;
            closes.close(&describe(status));
        });
        let environment = Self {
            exchange,
            platform,
            process,
            number,
            began,
            invocations: AtomicU64::new(0),
            timeout: config.timeout,
            api,
        };
        if let Err(failure) = environment.initialised(start.limit).await {
            let error = match &failure {
                InitFailure::TimedOut(error) | InitFailure::Failed(error) => error.error_type(),
            };
            let platform = &environment.platform;
            platform.init_ended(began.elapsed(), Some(&error));
            return Err(failure);
        }
        environment.platform.init_ended(began.elapsed(), None);
        let observer = start.observer;
        observer.environment_started(&config.name, number, began.elapsed());
        Ok(environment)
    }

    async fn initialised(&self, limit: Duration) -> Result<(), InitFailure> {
        let mut timed_out = false;
        let problem = tokio::select! {
            init = self.api.initialised() => match init {
                Init::Done => return Ok(()),
                Init::Running | Init::Failed => "the runtime reported an init error".to_owned(),
            },
            status = self.process.ended() => {
                format!("Runtime exited with error: {}", describe(status))
            }
            () = tokio::time::sleep(limit) => {
                timed_out = true;
                self.platform.timed_out();
                format!("init did not finish within {} s", limit.as_secs_f64())
            }
        };
        self.process.kill();
        self.process.ended().await;
        if let Some(payload) = self.api.init_error() {
            return Err(InitFailure::Failed(FunctionError {
                kind: ErrorKind::Init,
                payload,
            }));
        }
        let lines = self.process.output().last_lines();
        let failure = init_failed(&match lines.as_slice() {
            [] => format!("{problem}; it wrote nothing"),
            _ => format!("{problem}; its last lines:\n{}", lines.join("\n")),
        });
        Err(match failure {
            InitFailure::Failed(error) if timed_out => InitFailure::TimedOut(error),
            other => other,
        })
    }

    /// Its number, from 1.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Hands an invocation to the runtime if it waits for one.
    ///
    /// # Errors
    ///
    /// The runtime does not wait: the invocation comes back.
    pub(super) fn hand_over(&self, invocation: Box<Invocation>) -> Result<(), Box<Invocation>> {
        if self.process.has_ended() {
            return Err(invocation);
        }
        if invocation.log_tail {
            // Before the runtime has the event and writes its first line.
            self.process.output().begin_tail();
        }
        if !self.exchange.waits() {
            return Err(invocation);
        }
        let request_id = invocation.event.request_id.clone();
        // Lines from before come before START, and the first of the invocation after it.
        let _written = self.platform.written();
        self.exchange.hand_over(invocation)?;
        self.invocations.fetch_add(1, Relaxed);
        self.platform.started(&request_id);
        Ok(())
    }

    /// Waits for the answer to an invocation that was handed over at `began`, until the
    /// function's time is over; then its process is killed.
    pub(super) async fn answer(
        &self,
        request_id: &str,
        began: Instant,
        answered: oneshot::Receiver<Answer>,
    ) -> Answer {
        let failed = |kind, error_type, what: &str| {
            let message = format!("RequestId: {request_id} Error: {what}");
            Err(FunctionError::new(kind, error_type, &message))
        };
        match timeout_at(self.deadline(began), answered).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => {
                let status = describe(self.process.ended().await);
                let what = format!("Runtime exited with error: {status}");
                failed(ErrorKind::Exit, "Runtime.ExitError", &what)
            }
            Err(_) => {
                // The runtime stays blocked until its handler ends.
                self.platform.timed_out();
                self.process.kill();
                self.exchange.closed().await;
                let seconds = self.timeout.as_secs_f64();
                let what = format!("Task timed out after {seconds:.2} seconds");
                failed(ErrorKind::Timeout, "Sandbox.Timedout", &what)
            }
        }
    }

    /// When the time of an invocation that began then is over.
    pub(super) fn deadline(&self, began: Instant) -> Instant {
        began + self.timeout
    }

    /// The end of the log of an invocation that asked for it.
    pub(super) async fn tail(&self) -> Vec<u8> {
        self.process.output().tail().await
    }

    /// What REPORT says of an invocation that took so long.
    pub(super) fn report<'a>(&self, request_id: &'a str, took: Duration) -> Report<'a> {
        self.platform.report(request_id, took)
    }

    /// What it is at this moment, after its init.
    pub(super) fn listed(&self) -> Listed {
        Listed {
            number: self.number,
            state: if self.exchange.has_invocation() {
                State::Busy
            } else {
                State::Idle
            },
            age: self.began.elapsed(),
            memory_mb: self.platform.max_memory_mb(),
            invocations: self.invocations.load(Relaxed),
        }
    }

    /// Its slots.
    pub(super) fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    /// Its slots, for longer than it runs.
    pub(super) fn shared_exchange(&self) -> Arc<Exchange> {
        self.exchange.clone()
    }

    /// Whether a slot is about to be free: the runtime has answered and still runs, or its
    /// process has ended and nobody has noticed.
    pub(super) fn is_expected(&self) -> bool {
        !self.exchange.is_closed() && (self.exchange.is_expected() || self.process.has_ended())
    }

    /// Ends the process at once.
    pub(super) fn kill(&self) {
        self.process.kill();
    }

    /// Ends the process: SIGTERM, then SIGKILL.
    pub(super) async fn shut_down(&self) {
        self.process.shut_down(SHUTDOWN_GRACE).await;
    }
}

async fn start_process(
    start: &Start<'_>,
    api: &RuntimeApi,
    log_stream: &str,
    platform: &Arc<PlatformLog>,
) -> std::io::Result<Process> {
    let bootstrap = &start.config.bootstrap;
    let (executable, folder) = bootstrap.absolute()?;
    let runtime = &bootstrap.variables;
    let program = Program {
        executable: &executable,
        arguments: &bootstrap.arguments,
        folder: &folder,
        variables: &variables::all(start.config, runtime, &folder, api.address(), log_stream),
        marker: variables::LOG_STREAM,
        function: Arc::from(start.config.name.as_str()),
        environment: start.number,
        platform,
    };
    Process::start(&program, start.log).await
}

fn init_failed(message: &str) -> InitFailure {
    InitFailure::Failed(FunctionError::new(
        ErrorKind::Init,
        "Runtime.ExitError",
        message,
    ))
}

fn describe(status: Option<ExitStatus>) -> String {
    status.map_or("status unknown".to_owned(), |status| status.to_string())
}
