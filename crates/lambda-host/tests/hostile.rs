//! Functions that misbehave: each fails at most its own invocation, the next one succeeds,
//! and no process is left. `reuse`, `processes` and `output` have those that exit or work on
//! after answering, fork, ignore signals and flood their output.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what is wrong by stopping"
)]

mod support;

use std::time::Duration;

use bytes::Bytes;
use lambda_host::{MAX_RESPONSE, Outcome};
use support::{Processes, error_type, invoke, start, success};

/// Runs `misbehaves` for event 1, answers every other event with itself.
fn script(misbehaves: &str) -> String {
    format!(
        r#"note $$
           while next; do
             if [ "$event" = 1 ]; then {misbehaves}; else respond "$event" >/dev/null; fi
           done"#
    )
}

/// The outcome of event 1; afterwards the function answers and leaves nothing.
async fn outcome_of(misbehaves: &str) -> Outcome {
    let processes = Processes::new();
    let mut config = processes.config(&script(misbehaves));
    config.timeout = Duration::from_secs(3);
    let function = start(config);
    let outcome = invoke(&function, "1").await;
    for event in ["2", "3"] {
        let next = function.invoke_when_free(Bytes::from_static(event.as_bytes()));
        assert_eq!(success(next.await.outcome), event);
    }
    function.shut_down().await;
    processes.all_ended(1).await;
    outcome
}

#[tokio::test]
async fn a_function_that_hangs_times_out() {
    let outcome = outcome_of("sleep 1000 & note $!; wait").await;
    assert_eq!(error_type(outcome), "Sandbox.Timedout");
}

#[tokio::test]
async fn a_function_that_stops_itself_times_out() {
    let outcome = outcome_of("kill -STOP $$").await;
    assert_eq!(error_type(outcome), "Sandbox.Timedout");
}

#[tokio::test]
async fn a_function_that_kills_its_group_fails_its_own_invocation() {
    let outcome = outcome_of("kill -KILL 0").await;
    assert_eq!(error_type(outcome), "Runtime.ExitError");
}

#[tokio::test]
async fn a_function_that_is_killed_fails_its_own_invocation() {
    let outcome = outcome_of("kill -KILL $$").await;
    assert_eq!(error_type(outcome), "Runtime.ExitError");
}

#[tokio::test]
async fn a_function_that_forks_many_times_leaves_nothing() {
    let outcome = outcome_of("for i in {1..40}; do sleep 1000 & note $!; done; exit 1").await;
    assert_eq!(error_type(outcome), "Runtime.ExitError");
}

#[tokio::test]
async fn a_second_answer_is_refused() {
    let twice = r#"respond '"first"' >/dev/null
        case "$(respond '"second"')" in *' 400 '*InvalidRequestID*) ;; *) exit 1;; esac"#;
    assert_eq!(success(outcome_of(twice).await), "\"first\"");
}

#[tokio::test]
async fn a_late_answer_reaches_no_later_invocation() {
    // It keeps the id of event 1 and answers that again while event 2 runs.
    let late = r#"respond '"one"' >/dev/null; first=$id; next; second=$id
        id=$first; case "$(respond '"late"')" in *' 400 '*) ;; *) exit 1;; esac
        id=$second; respond "$event" >/dev/null"#;
    assert_eq!(success(outcome_of(late).await), "\"one\"");
}

#[tokio::test]
async fn an_answer_after_the_time_out_is_lost_with_its_process() {
    let late = "trap '' TERM; sleep 3.2; respond '\"late\"' >/dev/null";
    assert_eq!(error_type(outcome_of(late).await), "Sandbox.Timedout");
}

/// Sends `$1` bytes as a response and prints the reply.
const SEND: &str = r#"send() {
      exec 3<>"/dev/tcp/$host/$port"
      printf 'POST /2018-06-01/runtime/invocation/%s/%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n' "$id" "$2" "$1" >&3
      head -c "$1" /dev/zero >&3
      cat <&3
    }"#;

#[tokio::test]
async fn a_response_that_is_too_large_gets_413() {
    for bytes in [MAX_RESPONSE + 1, 60_000_000] {
        let huge = format!(
            r#"{SEND}; case "$(send {bytes} response)" in
                 *' 413 '*RequestEntityTooLarge*) ;; *) exit 1;; esac"#
        );
        let error = error_type(outcome_of(&huge).await);
        assert_eq!(error, "Function.ResponseSizeTooLarge", "{bytes}");
    }
}

#[tokio::test]
async fn an_error_document_that_is_too_large_ends_its_invocation() {
    let huge = format!("{SEND}; send 7000000 error >/dev/null");
    let error = error_type(outcome_of(&huge).await);
    assert_eq!(error, "Function.ResponseSizeTooLarge");
}

#[tokio::test]
async fn the_largest_response_is_passed_on_byte_by_byte() {
    let largest = format!("{SEND}; send {MAX_RESPONSE} response >/dev/null");
    let Outcome::Success(payload) = outcome_of(&largest).await else {
        panic!("no success");
    };
    assert_eq!(payload.len(), MAX_RESPONSE);
    assert!(payload.iter().all(|byte| *byte == 0));
}

#[tokio::test]
async fn a_response_that_breaks_off_fails_its_own_invocation() {
    let half = r#"exec 3<>"/dev/tcp/$host/$port"
        printf 'POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf' "$id" >&3
        exit 0"#;
    assert_eq!(
        error_type(outcome_of(half).await),
        "Runtime.TruncatedResponse"
    );
}

#[tokio::test]
async fn a_function_that_talks_nonsense_to_the_runtime_api_times_out() {
    let nonsense = r#"exec 3<>"/dev/tcp/$host/$port"
        head -c 100000 /dev/urandom >&3; cat <&3 >/dev/null; sleep 1000"#;
    assert_eq!(error_type(outcome_of(nonsense).await), "Sandbox.Timedout");
}

#[tokio::test]
async fn a_page_that_points_its_name_at_the_runtime_api_is_refused() {
    let script = r#"next
        refused=$(HOST=evil.example call GET /2018-06-01/runtime/invocation/next)
        respond "\"${refused%%$'\r'*}\"" >/dev/null"#;
    let function = start(support::config(script));
    let status = success(invoke(&function, "1").await);
    assert_eq!(status, r#""HTTP/1.1 403 Forbidden""#);
    function.shut_down().await;
}
