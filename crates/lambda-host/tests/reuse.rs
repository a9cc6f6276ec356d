//! An execution environment gets an invocation only while its runtime waits for one.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what is wrong by stopping"
)]

mod support;

use std::time::Duration;

use bytes::Bytes;
use lambda_host::Outcome;
use support::{Processes, config, error_type, eventually, function, invoke, start, success};

#[tokio::test]
async fn a_runtime_that_exits_after_its_response_costs_no_invocation() {
    let function = function(r#"next; respond "$event" >/dev/null; exit 0"#);
    for event in ["1", "2", "3", "4", "5"] {
        assert_eq!(success(invoke(&function, event).await), event);
    }
    assert_eq!(function.cold_starts(), 5);
    function.shut_down().await;
}

#[tokio::test]
async fn a_runtime_that_works_on_after_its_response_costs_no_invocation() {
    let mut config = config(r#"while next; do respond "$event" >/dev/null; sleep 0.3; done"#);
    config.timeout = Duration::from_secs(5);
    let function = start(config);
    for event in ["1", "2", "3", "4"] {
        assert_eq!(success(invoke(&function, event).await), event);
    }
    function.shut_down().await;
}

#[tokio::test]
async fn a_runtime_that_polls_at_once_serves_one_invocation_after_another() {
    let function = function(r#"while next; do respond "$event" >/dev/null; done"#);
    for event in ["1", "2", "3", "4", "5", "6", "7", "8"] {
        assert_eq!(success(invoke(&function, event).await), event);
    }
    assert_eq!(function.cold_starts(), 1);
    function.shut_down().await;
}

#[tokio::test]
async fn a_caller_has_its_answer_while_the_runtime_works_on() {
    let folder = tempfile::tempdir().unwrap();
    let gate = folder.path().join("gate");
    let mut config = config(
        r#"while next; do
             respond "$event" >/dev/null
             until [ -e "$GATE" ]; do sleep 0.01; done
           done"#,
    );
    let text = gate.display().to_string();
    config.environment.insert("GATE".to_owned(), text);
    let function = start(config);
    assert_eq!(success(invoke(&function, "1").await), "1");
    // Its environment has not asked for another one, and no second one may start.
    assert_eq!(invoke(&function, "2").await, Outcome::Throttled);
    let waits = function.invoke_when_free(Bytes::from_static(b"3"));
    let opens = async { std::fs::write(&gate, "").unwrap() };
    let (third, ()) = tokio::join!(waits, opens);
    assert_eq!(success(third.outcome), "3");
    assert_eq!(function.cold_starts(), 1);
    function.shut_down().await;
}

#[tokio::test]
async fn a_runtime_that_works_on_past_its_deadline_is_killed() {
    let mut config = config(r#"next; respond "$event" >/dev/null; sleep 1000"#);
    config.timeout = Duration::from_secs(2);
    let function = start(config);
    for event in ["1", "2"] {
        let invoked = function.invoke_when_free(Bytes::from_static(event.as_bytes()));
        assert_eq!(success(invoked.await.outcome), event);
    }
    assert_eq!(function.cold_starts(), 2);
    function.shut_down().await;
}

#[tokio::test]
async fn an_idle_runtime_that_was_killed_costs_no_invocation() {
    let processes = Processes::new();
    let function =
        processes.function(r#"note $$; while next; do respond "$event" >/dev/null; done"#);
    for event in ["1", "2", "3"] {
        assert_eq!(success(invoke(&function, event).await), event);
        let last = *processes.noted().last().unwrap();
        Processes::kill(last);
        if event == "2" {
            // Either before or after anybody has noticed.
            eventually("the environment is gone", || function.environments() == 0).await;
        }
    }
    function.shut_down().await;
}

/// Each takes a second: the last one would begin after its time-out, counted from the call.
#[cfg(target_os = "linux")] // for `date +%3N`
#[tokio::test]
async fn the_deadline_counts_from_when_the_runtime_gets_the_event() {
    let mut config = config(
        r"while next; do
             now=$(date +%s%3N)
             sleep 1
             respond $(($(header lambda-runtime-deadline-ms) - now)) >/dev/null
           done",
    );
    config.timeout = Duration::from_secs(3);
    let function = start(config);
    let invocations = (0..4).map(|_| function.invoke_when_free(Bytes::from_static(b"{}")));
    for invoked in futures_util::future::join_all(invocations).await {
        let left: i64 = success(invoked.outcome).parse().unwrap();
        assert!((1..=3000).contains(&left), "{left} ms left");
    }
    assert_eq!(function.cold_starts(), 1);
    function.shut_down().await;
}

#[tokio::test]
async fn waiting_invocations_get_the_environment_in_turn() {
    let function = function(r#"while next; do respond "$event" >/dev/null; done"#);
    let order = std::sync::Mutex::new(Vec::new());
    let invocations = ["1", "2", "3", "4", "5", "6"].map(|event| {
        let (function, order) = (&function, &order);
        async move {
            let invoked = function.invoke_when_free(Bytes::from_static(event.as_bytes()));
            let answer = success(invoked.await.outcome);
            order.lock().unwrap().push(answer);
        }
    });
    futures_util::future::join_all(invocations).await;
    assert_eq!(*order.lock().unwrap(), ["1", "2", "3", "4", "5", "6"]);
    assert_eq!(function.cold_starts(), 1);
    function.shut_down().await;
}

#[tokio::test]
async fn a_runtime_that_asks_again_without_an_answer_is_refused() {
    let function = function(
        r#"while next; do
             case "$(call GET /2018-06-01/runtime/invocation/next)" in
               *' 403 '*InvalidStateTransition*) respond '"refused"' >/dev/null;;
             esac
           done"#,
    );
    assert_eq!(success(invoke(&function, "1").await), "\"refused\"");
    function.shut_down().await;
}

#[tokio::test]
async fn a_response_just_before_the_process_ends_is_delivered() {
    let function = function(
        r#"next
           exec 3<>"/dev/tcp/$host/$port"
           printf 'POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1' "$id" >&3
           kill -KILL $$"#,
    );
    for _ in 0..10 {
        assert_eq!(success(invoke(&function, "1").await), "1");
    }
    function.shut_down().await;
}

#[tokio::test]
async fn a_process_that_ends_without_an_answer_fails_its_own_invocation_alone() {
    let function =
        function(r#"while next; do [ "$event" = 1 ] && exit 3; respond "$event" >/dev/null; done"#);
    assert_eq!(
        error_type(invoke(&function, "1").await),
        "Runtime.ExitError"
    );
    assert_eq!(success(invoke(&function, "2").await), "2");
    function.shut_down().await;
}
