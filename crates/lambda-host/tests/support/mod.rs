//! Functions whose bootstrap is a few lines of bash.

#![allow(dead_code, reason = "each test target uses its own part of this")]

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use bytes::Bytes;
use lambda_host::{Function, FunctionConfig, LogFormat, Outcome};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tempfile::TempDir;

/// How long a test waits for something that must happen. A test that passes never does.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A function that runs `script` in `tests/bootstrap.sh`: one execution environment, a
/// time-out of ten seconds.
pub fn config(script: &str) -> FunctionConfig {
    FunctionConfig {
        name: "function".to_owned(),
        bootstrap: PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("tests/bootstrap.sh")
            .into(),
        handler: "function.handler".to_owned(),
        timeout: Duration::from_secs(10),
        memory_mb: 128,
        environment: BTreeMap::from([("SCRIPT".to_owned(), script.to_owned())]),
        region: "us-east-1".to_owned(),
        concurrency: 1,
        idle_timeout: Duration::from_mins(10),
        log_group: None,
        log_format: LogFormat::Text,
        sampled: false,
    }
}

pub fn function(script: &str) -> Arc<Function> {
    start(config(script))
}

pub fn start(config: FunctionConfig) -> Arc<Function> {
    Arc::new(Function::new(config, Arc::new(|_| {})))
}

/// The payload of a success.
#[track_caller]
pub fn success(outcome: Outcome) -> String {
    match outcome {
        Outcome::Success(payload) => String::from_utf8_lossy(&payload).into_owned(),
        other => panic!("expected a success, received {other:?}"),
    }
}

/// The `errorType` of a function error.
#[track_caller]
pub fn error_type(outcome: Outcome) -> String {
    match outcome {
        Outcome::FunctionError(error) => {
            let document: serde_json::Value = serde_json::from_slice(&error.payload).unwrap();
            document["errorType"].as_str().unwrap().to_owned()
        }
        other => panic!("expected a function error, received {other:?}"),
    }
}

/// Invokes with this event.
pub async fn invoke(function: &Function, event: &'static str) -> Outcome {
    let invoked = function.invoke(Bytes::from_static(event.as_bytes()));
    let invoked = tokio::time::timeout(PATIENCE, invoked).await;
    invoked.expect("the invocation never ended").outcome
}

/// Waits until `condition` holds.
pub async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !condition() {
        assert!(tokio::time::Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The processes that a function has noted.
pub struct Processes(TempDir);

impl Processes {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn file(&self) -> PathBuf {
        self.0.path().join("processes")
    }

    pub fn config(&self, script: &str) -> FunctionConfig {
        let mut config = config(script);
        let file = self.file().display().to_string();
        config.environment.insert("PROCESSES".to_owned(), file);
        config
    }

    pub fn function(&self, script: &str) -> Arc<Function> {
        start(self.config(script))
    }

    /// The processes, in the order in which they were noted.
    pub fn noted(&self) -> Vec<i32> {
        let noted = std::fs::read_to_string(self.file()).unwrap_or_default();
        noted.lines().map(|id| id.parse().unwrap()).collect()
    }

    pub fn kill(id: i32) {
        kill(Pid::from_raw(id), Signal::SIGKILL).unwrap();
    }

    /// Waits until all of them, at least `count`, have ended.
    pub async fn all_ended(&self, count: usize) {
        let noted = self.noted();
        assert!(noted.len() >= count, "noted: {noted:?}");
        let ended = || noted.iter().all(|id| has_ended(*id));
        eventually("all processes have ended", ended).await;
    }
}

/// Whether a process is gone, or waits to be reaped by whoever inherited it.
fn has_ended(id: i32) -> bool {
    match std::fs::read_to_string(format!("/proc/{id}/stat")) {
        Ok(stat) => stat
            .rsplit(')')
            .next()
            .unwrap()
            .trim_start()
            .starts_with('Z'),
        Err(_) => kill(Pid::from_raw(id), None).is_err(),
    }
}
