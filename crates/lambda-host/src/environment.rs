//! An execution environment: one process and its Runtime API, one invocation at
//! a time unless its function asks for more.

use std::{collections::BTreeMap, path::Path, process::ExitStatus, sync::Arc, time::Duration};

use tokio::{
    sync::oneshot,
    time::{Instant, timeout},
};
use uuid::Uuid;

use super::{
    function::{FunctionConfig, Request},
    log::{LogSink, LogTail},
    outcome::{ErrorKind, FunctionError},
    process::Process,
    runtime_api::{Answer, Invocation, RuntimeApi},
};

/// How long init may take (Lambda runtime environment lifecycle: 10 s).
const INIT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a process has after SIGTERM (Lambda runtime environment lifecycle:
/// 500 ms with an internal extension).
const SHUTDOWN_GRACE: Duration = Duration::from_millis(500);

/// An environment that has finished init.
pub struct Environment {
    api: RuntimeApi,
    process: Process,
    timeout: Duration,
    places: usize,
    memory_mb: u32,
}

impl Environment {
    /// Starts a process and waits until it asks for its first invocation.
    ///
    /// # Errors
    ///
    /// It cannot be started, ended, or did not get ready in time: as the
    /// function error that the invocation which needed it gets.
    pub async fn start(
        config: &FunctionConfig,
        bootstrap: &Path,
        number: u64,
        log: &LogSink,
    ) -> Result<Self, FunctionError> {
        let name: Arc<str> = Arc::from(config.name.as_str());
        let api = RuntimeApi::start(name.clone(), &config.handler, &config.arn())
            .await
            .map_err(|error| init_failed(&format!("the Runtime API cannot listen: {error}")))?;
        let folder = bootstrap.parent().unwrap_or(bootstrap);
        let process = Process::start(
            bootstrap,
            folder,
            &variables(config, folder, &api, number),
            &name,
            number,
            log,
        )
        .map_err(|error| {
            FunctionError::new(
                ErrorKind::Init,
                "Runtime.InvalidEntrypoint",
                &format!("{} cannot be started: {error}", bootstrap.display()),
            )
        })?;
        let environment = Self {
            api,
            process,
            timeout: config.timeout,
            places: config.places(),
            memory_mb: config.memory_mb,
        };
        environment.initialised().await?;
        Ok(environment)
    }

    async fn initialised(&self) -> Result<(), FunctionError> {
        let problem = tokio::select! {
            () = self.api.ready() => return Ok(()),
            status = self.process.ended() => {
                format!("Runtime exited with error: {}", describe(status))
            }
            () = tokio::time::sleep(INIT_TIMEOUT) => {
                self.process.kill();
                format!("init did not finish within {} s", INIT_TIMEOUT.as_secs())
            }
        };
        if let Some(payload) = self.api.init_error() {
            return Err(FunctionError {
                kind: ErrorKind::Init,
                payload,
            });
        }
        let lines = self.process.last_lines();
        Err(init_failed(&match lines.as_slice() {
            [] => format!("{problem}; it wrote nothing"),
            _ => format!("{problem}; its last lines:\n{}", lines.join("\n")),
        }))
    }

    /// How many invocations it takes at once.
    #[must_use]
    pub fn places(&self) -> usize {
        self.places
    }

    /// Hands the function one event and waits for the answer, at the longest
    /// until its timeout; with it the end of the log, where the request asks for
    /// it. Unless the environment [`Environment::is_usable`] afterwards, its
    /// process is gone.
    pub async fn invoke(&self, request: Request) -> (Answer, Option<Vec<u8>>) {
        let request_id = Uuid::new_v4().to_string();
        if !request.log_tail {
            return (self.answer(&request_id, request).await, None);
        }
        self.process.begin_tail();
        let began = Instant::now();
        let answer = self.answer(&request_id, request).await;
        let took = began.elapsed();
        let said = self.process.tail().await;
        let log = LogTail {
            request_id: &request_id,
            took,
            memory_mb: self.memory_mb,
        };
        (answer, Some(log.around(&said)))
    }

    async fn answer(&self, request_id: &str, request: Request) -> Answer {
        let (answer, answered) = oneshot::channel();
        let invocation = Invocation {
            request_id: request_id.to_owned(),
            payload: request.payload,
            timeout: self.timeout,
            client_context: request.client_context,
            chunks: request.chunks,
            answer,
        };
        let answered = async {
            self.api.submit(invocation).await;
            answered.await
        };
        let failed = |kind, error_type, what: &str| {
            let message = format!("RequestId: {request_id} Error: {what}");
            Err(FunctionError::new(kind, error_type, &message))
        };
        let exit_error = "Runtime.ExitError";
        let outcome = tokio::select! {
            answered = timeout(self.timeout, answered) => answered,
            status = self.process.ended() => {
                let what = format!("Runtime exited with error: {}", describe(status));
                return failed(ErrorKind::Exit, exit_error, &what);
            }
        };
        match outcome {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => failed(ErrorKind::Exit, exit_error, "the Runtime API was stopped"),
            Err(_) => {
                // The runtime stays blocked until its handler ends.
                self.process.kill();
                self.process.ended().await;
                let seconds = self.timeout.as_secs_f64();
                let what = format!("Task timed out after {seconds:.2} seconds");
                failed(ErrorKind::Timeout, "Sandbox.Timedout", &what)
            }
        }
    }

    /// Whether it can take another invocation.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        !self.process.has_ended()
    }

    /// Ends the process at once.
    pub fn kill(&self) {
        self.process.kill();
    }

    /// Ends the process: SIGTERM, then SIGKILL.
    pub async fn shut_down(&self) {
        self.process.shut_down(SHUTDOWN_GRACE).await;
    }
}

fn init_failed(message: &str) -> FunctionError {
    FunctionError::new(ErrorKind::Init, "Runtime.ExitError", message)
}

fn describe(status: Option<ExitStatus>) -> String {
    status.map_or("status unknown".to_owned(), |status| status.to_string())
}

/// The process's whole environment: what Lambda sets (Lambda environment
/// variables, "Defined runtime environment variables"), then the function's own.
fn variables(
    config: &FunctionConfig,
    folder: &Path,
    api: &RuntimeApi,
    number: u64,
) -> BTreeMap<String, String> {
    let name = &config.name;
    let mut variables: BTreeMap<String, String> = [
        ("AWS_LAMBDA_RUNTIME_API", api.address().to_string()),
        ("_HANDLER", config.handler.clone()),
        ("LAMBDA_TASK_ROOT", folder.display().to_string()),
        ("LAMBDA_RUNTIME_DIR", folder.display().to_string()),
        ("AWS_LAMBDA_FUNCTION_NAME", name.clone()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
        (
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
            config.memory_mb.to_string(),
        ),
        ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{name}")),
        (
            "AWS_LAMBDA_LOG_STREAM_NAME",
            format!("local/[$LATEST]{number}"),
        ),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
        ("AWS_REGION", config.region.clone()),
        ("AWS_DEFAULT_REGION", config.region.clone()),
        ("AWS_ACCESS_KEY_ID", "local".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
        ("LANG", "en_US.UTF-8".to_owned()),
        ("TZ", ":UTC".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    // A shell or Python bootstrap needs a PATH; the rest of this process's
    // environment is none of the function's business.
    for inherited in ["PATH", "RUST_LOG", "RUST_BACKTRACE"] {
        if let Ok(value) = std::env::var(inherited) {
            variables.insert(inherited.to_owned(), value);
        }
    }
    variables.extend(config.environment.clone());
    variables
}
