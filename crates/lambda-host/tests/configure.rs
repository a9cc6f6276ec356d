//! A function's configuration changes while it runs: new environments start with it, and
//! those at work finish first.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what is wrong by stopping"
)]

mod support;

use std::time::Duration;

use bytes::Bytes;
use lambda_host::{Outcome, listing::State};
use support::{PATIENCE, Processes, config, eventually, invoke, start, success};
use tokio::time::timeout;

/// Answers with the value of `LEVEL`, once the file `GATE` exists.
const LEVEL: &str = r#"while next; do
  [ -z "$GATE" ] || touch "$GATE.held"
  until [ -z "$GATE" ] || [ -e "$GATE" ]; do sleep 0.01; done
  respond "\"$LEVEL $AWS_LAMBDA_FUNCTION_MEMORY_SIZE\"" >/dev/null
done"#;

#[tokio::test]
async fn new_environments_start_with_the_changed_configuration() {
    let processes = Processes::new();
    let mut config = processes.config(&format!("echo $$ >>\"$PROCESSES\"; {LEVEL}"));
    let set = |config: &mut lambda_host::FunctionConfig, level: &str| {
        let mut variable = |name: &str, value: &str| {
            config.environment.insert(name.to_owned(), value.to_owned());
        };
        variable("LEVEL", level);
        variable("GATE", "");
    };
    set(&mut config, "info");
    let function = start(config);
    assert_eq!(success(invoke(&function, "1").await), "\"info 128\"");
    let retired = function
        .configure(|config| {
            set(config, "debug");
            config.memory_mb = 256;
        })
        .await;
    assert_eq!(success(invoke(&function, "1").await), "\"debug 256\"");
    retired.shut_down().await;
    assert_eq!(function.config().memory_mb, 256);
    assert_eq!((function.cold_starts(), function.environments()), (2, 1));
    function.shut_down().await;
    processes.all_ended(2).await;
}

#[tokio::test]
async fn an_environment_at_work_finishes_with_its_own_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let gate = folder.path().join("gate");
    let held = folder.path().join("gate.held");
    let mut config = config(LEVEL);
    config
        .environment
        .insert("LEVEL".to_owned(), "info".to_owned());
    let text = gate.display().to_string();
    config.environment.insert("GATE".to_owned(), text);
    let function = start(config);
    let at_work = tokio::spawn({
        let function = function.clone();
        async move { function.invoke(Bytes::from_static(b"1")).await.outcome }
    });
    eventually("the invocation runs", || held.exists()).await;
    let retired = function
        .configure(|config| {
            config
                .environment
                .insert("LEVEL".to_owned(), "debug".to_owned());
            config.environment.insert("GATE".to_owned(), String::new());
        })
        .await;
    retired.shut_down().await;
    assert_eq!(function.environments(), 1, "it is at work");
    std::fs::write(&gate, "").unwrap();
    assert_eq!(success(at_work.await.unwrap()), "\"info 128\"");
    let after = function.invoke_when_free(Bytes::from_static(b"1")).await;
    assert_eq!(success(after.outcome), "\"debug 128\"");
    function.shut_down().await;
}

#[tokio::test]
async fn the_concurrency_is_changed_at_once_and_while_invocations_run() {
    let folder = tempfile::tempdir().unwrap();
    let gate = folder.path().join("gate");
    let mut config = config(
        r#"while next; do
          until [ -e "$GATE" ]; do sleep 0.01; done
          respond "$event" >/dev/null
        done"#,
    );
    config.concurrency = 2;
    let text = gate.display().to_string();
    config.environment.insert("GATE".to_owned(), text);
    let function = start(config);
    let runs = |event: &'static str| {
        let function = function.clone();
        tokio::spawn(async move {
            let invoked = function.invoke(Bytes::from_static(event.as_bytes()));
            timeout(PATIENCE, invoked).await.unwrap().outcome
        })
    };
    let (first, second) = (runs("1"), runs("2"));
    eventually("two run", || function.environments() == 2).await;
    function.set_concurrency(1).await;
    assert_eq!(invoke(&function, "3").await, Outcome::Throttled);
    std::fs::write(&gate, "").unwrap();
    assert_eq!(success(first.await.unwrap()), "1");
    assert_eq!(success(second.await.unwrap()), "2");

    function.set_concurrency(0).await;
    assert_eq!(invoke(&function, "4").await, Outcome::Throttled);
    let waits = function.invoke_when_free(Bytes::from_static(b"5"));
    assert_eq!(waits.await.outcome, Outcome::Throttled);
    function.set_concurrency(3).await;
    for event in ["6", "7", "8"] {
        assert_eq!(success(invoke(&function, event).await), event);
    }
    assert_eq!(function.config().timeout, Duration::from_secs(10));
    function.shut_down().await;
}

#[tokio::test]
async fn environments_are_listed_and_one_is_killed_with_its_invocation() {
    let folder = tempfile::tempdir().unwrap();
    let gate = folder.path().join("gate");
    let held = folder.path().join("gate.held");
    let mut config = config(LEVEL);
    let text = gate.display().to_string();
    config.environment.insert("GATE".to_owned(), text);
    let function = start(config);
    function.warm_up().await.unwrap();
    let listed = function.list();
    assert_eq!((listed.len(), listed[0].number), (1, 1));
    assert_eq!((listed[0].state, listed[0].invocations), (State::Idle, 0));
    let at_work = tokio::spawn({
        let function = function.clone();
        async move { function.invoke(Bytes::from_static(b"1")).await.outcome }
    });
    eventually("the invocation runs", || held.exists()).await;
    let listed = function.list();
    assert_eq!((listed[0].state, listed[0].invocations), (State::Busy, 1));
    assert_eq!(function.busy(), 1);
    assert!(!function.kill(7));
    assert!(function.kill(1));
    let outcome = timeout(PATIENCE, at_work).await.unwrap().unwrap();
    assert_eq!(support::error_type(outcome), "Runtime.ExitError");
    eventually("it is gone", || function.list().is_empty()).await;
    function.shut_down().await;
}

#[tokio::test]
async fn a_restart_ends_the_environments_and_starts_another() {
    let processes = Processes::new();
    let config = processes.config(&format!("echo $$ >>\"$PROCESSES\"; {LEVEL}"));
    let function = start(config);
    function.warm_up().await.unwrap();
    function.restart().await.unwrap();
    let numbers: Vec<_> = function.list().iter().map(|one| one.number).collect();
    assert_eq!(numbers, [2]);
    function.shut_down().await;
    processes.all_ended(2).await;
}
