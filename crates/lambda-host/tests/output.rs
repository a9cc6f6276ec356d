//! A function's output never holds up its host.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what is wrong by stopping"
)]

mod support;

use std::{
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use bytes::Bytes;
use lambda_host::{Function, Request, log::LogSink};
use support::{config, eventually, function, invoke, success};

/// Writes 40 MB, then answers.
const FLOODS: &str = r#"line=$(printf '%01000d' 0)
while next; do
  yes "$line" | head -c 40000000
  respond "$event" >/dev/null
done"#;

fn with_sink(script: &str, sink: LogSink) -> Arc<Function> {
    let mut config = config(script);
    config.timeout = support::PATIENCE;
    Arc::new(Function::new(config, sink))
}

#[tokio::test]
async fn a_sink_that_blocks_stops_no_invocation_and_memory_stays_bounded() {
    let (unblock, blocked) = mpsc::channel::<()>();
    let blocked = Mutex::new(blocked);
    let function = with_sink(
        FLOODS,
        Arc::new(move |_| {
            let _ = blocked.lock().unwrap().recv();
        }),
    );
    let before = resident_mb();
    for event in ["1", "2", "3"] {
        assert_eq!(success(invoke(&function, event).await), event);
    }
    if let (Some(before), Some(after)) = (before, resident_mb()) {
        assert!(after < before + 64, "{before} MB before, {after} MB after");
    }
    function.shut_down().await;
    drop(unblock);
}

/// As Lambda's runtime for Python writes a stack trace: one log event.
const TRACES: &str = r#"while next; do
  printf '[ERROR] no good\rTraceback:\r  in line 1\n'
  respond "$event" >/dev/null
done"#;

#[tokio::test]
async fn a_line_with_carriage_returns_is_several() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let seen = lines.clone();
    let sink: LogSink = Arc::new(move |line| seen.lock().unwrap().push(line.text));
    let function = with_sink(TRACES, sink);
    success(invoke(&function, "1").await);
    eventually("three lines", || lines.lock().unwrap().len() == 3).await;
    let expected = ["[ERROR] no good", "Traceback:", "  in line 1"];
    assert_eq!(*lines.lock().unwrap(), expected);
    function.shut_down().await;
}

#[tokio::test]
async fn dropped_lines_are_counted() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let (unblock, blocked) = mpsc::channel::<()>();
    let (blocked, seen) = (Mutex::new(blocked), lines.clone());
    let sink: LogSink = Arc::new(move |line| {
        let _ = blocked.lock().unwrap().recv();
        seen.lock().unwrap().push(line.text);
    });
    let function = with_sink(
        r#"while next; do
             [ "$event" = 1 ] && yes 'a line' | head -c 1000000
             echo "after $event"
             respond "$event" >/dev/null
           done"#,
        sink,
    );
    assert_eq!(success(invoke(&function, "1").await), "1");
    drop(unblock);
    eventually("the queue has room again", || {
        lines.lock().unwrap().len() > 10_000
    })
    .await;
    let dropped = || {
        let lines = lines.lock().unwrap();
        lines
            .iter()
            .any(|line| line.ends_with("lines dropped: output is read too slowly)"))
    };
    // Told with the first line that is queued again.
    while !dropped() {
        assert_eq!(success(invoke(&function, "2").await), "2");
    }
    function.shut_down().await;
    assert_eq!(lines.lock().unwrap().last().unwrap(), "after 2");
}

#[tokio::test]
async fn a_sink_that_panics_ends_only_the_showing() {
    // As `panic!`, without a backtrace: reading the symbols for it takes memory, which
    // another test measures.
    let sink: LogSink = Arc::new(|_| std::panic::resume_unwind(Box::new("stdout is closed")));
    let function = with_sink(
        r#"while next; do echo "line $event"; respond "$event" >/dev/null; done"#,
        sink,
    );
    for event in ["1", "2", "3"] {
        assert_eq!(success(invoke(&function, event).await), event);
    }
    assert_eq!(function.cold_starts(), 1);
    function.shut_down().await;
}

#[tokio::test]
async fn the_end_of_the_log_comes_while_a_process_keeps_writing() {
    let function = function(
        r#"while :; do echo tick; sleep 0.001; done &
           while next; do echo "for $event"; respond "$event" >/dev/null; done"#,
    );
    let request = Request {
        log_tail: true,
        ..Bytes::from_static(b"1").into()
    };
    let invoked = tokio::time::timeout(support::PATIENCE, function.invoke(request)).await;
    let log = invoked.expect("no answer").log_tail.unwrap();
    let log = String::from_utf8(log).unwrap();
    assert!(log.contains("REPORT RequestId: "), "{log}");
    function.shut_down().await;
}

#[tokio::test]
async fn binary_output_and_endless_lines_are_passed_on_in_pieces() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let seen = lines.clone();
    let function = with_sink(
        r#"while next; do
             printf 'before \377\376\000 after\n'
             head -c 1000000 /dev/zero | tr '\0' x; echo
             respond "$event" >/dev/null
           done"#,
        Arc::new(move |line| seen.lock().unwrap().push(line.text)),
    );
    assert_eq!(success(invoke(&function, "1").await), "1");
    function.shut_down().await;
    let lines = lines.lock().unwrap();
    assert!(
        lines[0].starts_with("before \u{fffd}\u{fffd}"),
        "{}",
        lines[0]
    );
    assert_eq!(lines[1..].iter().map(String::len).sum::<usize>(), 1_000_000);
}

/// Memory of this process, where the system tells.
fn resident_mb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes / 1024)
}

#[tokio::test]
async fn a_function_with_a_slow_reader_shuts_down() {
    let sink: LogSink = Arc::new(|_| std::thread::sleep(Duration::from_mins(10)));
    let function = with_sink(
        r#"while next; do echo line; respond "$event" >/dev/null; done"#,
        sink,
    );
    assert_eq!(success(invoke(&function, "1").await), "1");
    let shut_down = tokio::time::timeout(support::PATIENCE, function.shut_down());
    shut_down.await.expect("it still waits for the reader");
}
