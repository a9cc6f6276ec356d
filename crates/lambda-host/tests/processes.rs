//! No process outlives its execution environment, nor the process that hosts it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what is wrong by stopping"
)]

mod support;

use std::{process::Stdio, time::Duration};

use support::{Processes, error_type, eventually, invoke, start, success};

/// Answers until event 2, which leaves a child and ends.
const LEAVES_A_CHILD: &str = r#"note $$
while next; do
  [ "$event" = 2 ] && { sleep 1000 & note $!; exit 3; }
  respond "$event" >/dev/null
done"#;

#[tokio::test]
async fn what_a_process_leaves_behind_ends_with_it() {
    let processes = Processes::new();
    let function = processes.function(LEAVES_A_CHILD);
    assert_eq!(success(invoke(&function, "1").await), "1");
    assert_eq!(
        error_type(invoke(&function, "2").await),
        "Runtime.ExitError"
    );
    processes.all_ended(2).await;
    assert_eq!(success(invoke(&function, "3").await), "3");
    function.shut_down().await;
    processes.all_ended(3).await;
}

#[tokio::test]
async fn a_child_that_ignores_sigterm_ends_when_the_function_shuts_down() {
    let processes = Processes::new();
    let function = processes.function(
        r#"note $$
           (trap '' TERM; while :; do sleep 1; done) & note $!
           trap 'exit 0' TERM
           while next; do respond "$event" >/dev/null; done"#,
    );
    assert_eq!(success(invoke(&function, "1").await), "1");
    function.shut_down().await;
    processes.all_ended(2).await;
    assert_eq!(function.environments(), 0);
}

#[tokio::test]
async fn a_bootstrap_that_ignores_signals_ends_when_the_function_shuts_down() {
    let processes = Processes::new();
    let function = processes.function(
        r#"note $$; trap '' TERM INT HUP QUIT
           while next; do respond "$event" >/dev/null; done"#,
    );
    assert_eq!(success(invoke(&function, "1").await), "1");
    function.shut_down().await;
    processes.all_ended(1).await;
}

/// Only where there is `/proc`.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_child_with_a_session_of_its_own_ends_with_its_environment() {
    let processes = Processes::new();
    let function = processes.function(
        r#"note $$; setsid sleep 1000 & note $!
           while next; do respond "$event" >/dev/null; done"#,
    );
    assert_eq!(success(invoke(&function, "1").await), "1");
    function.shut_down().await;
    processes.all_ended(2).await;
}

#[tokio::test]
async fn a_function_that_is_dropped_leaves_no_process() {
    let processes = Processes::new();
    let function = processes.function(
        r#"note $$; sleep 1000 & note $!
           while next; do respond "$event" >/dev/null; done"#,
    );
    assert_eq!(success(invoke(&function, "1").await), "1");
    drop(function);
    processes.all_ended(2).await;
}

/// The host is this test program, in a process of its own.
#[tokio::test]
async fn no_process_outlives_a_host_that_was_killed() {
    let processes = Processes::new();
    let mut host = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "a_host_to_be_killed"])
        .env("TEST_PROCESSES", processes.file())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let count = if cfg!(target_os = "linux") { 3 } else { 2 };
    eventually("the function runs", || processes.noted().len() >= count).await;
    host.kill().await.unwrap();
    processes.all_ended(count).await;
}

#[tokio::test]
#[ignore = "runs in a process of its own, in no_process_outlives_a_host_that_was_killed"]
async fn a_host_to_be_killed() {
    let Ok(file) = std::env::var("TEST_PROCESSES") else {
        return;
    };
    let mut config = support::config(
        r"trap '' TERM INT HUP
           sleep 1000 & note $!
           [ -d /proc/1 ] && { setsid sleep 1000 & note $!; }
           note $$
           while :; do sleep 0.1; call GET /2018-06-01/runtime/invocation/next; done",
    );
    config.environment.insert("PROCESSES".to_owned(), file);
    let function = start(config);
    let _ = function.warm_up().await;
    tokio::time::sleep(Duration::from_mins(5)).await;
}

#[tokio::test]
async fn a_bootstrap_that_is_still_written_is_started_once_when_it_is_closed() {
    let processes = Processes::new();
    let mut config =
        processes.config(r#"note $$; while next; do respond "$event" >/dev/null; done"#);
    let bootstrap = processes.file().with_file_name("bootstrap");
    std::fs::copy(&config.bootstrap.program, &bootstrap).unwrap();
    let writer = std::fs::File::options()
        .append(true)
        .open(&bootstrap)
        .unwrap();
    config.bootstrap = bootstrap.into();
    let function = start(config);
    let (outcome, ()) = tokio::join!(invoke(&function, "1"), async {
        // The length does not matter, within a second.
        tokio::time::sleep(Duration::from_millis(50)).await;
        drop(writer);
    });
    assert_eq!(success(outcome), "1");
    // Nothing that an attempt left behind ends the process.
    for _ in 0..20 {
        assert_eq!(success(invoke(&function, "2").await), "2");
    }
    assert_eq!(processes.noted().len(), 1);
    function.shut_down().await;
    processes.all_ended(1).await;
}
