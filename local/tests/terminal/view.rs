//! Filters, and the other forms.

use local::{
    events::{Event, EventBus, EventKind},
    output::Output,
    terminal::{Level, Logs, Presenter, Screen, View, follow::follow},
};

use crate::{events, shown};

fn of(view: View) -> String {
    shown(view, &events::of_a_minute(), &Screen::PLAIN)
}

#[test]
fn a_function_s_events_alone() {
    let text = of(View {
        functions: vec!["audit".into()],
        ..View::default()
    });
    assert!(text.contains("plain text of a function"), "{text}");
    assert!(!text.contains("orders-worker"), "{text}");
}

#[test]
fn from_a_level_on() {
    let text = of(View {
        level: Level::Warn,
        ..View::default()
    });
    insta::assert_snapshot!(text);
}

#[test]
fn quiet_is_failures_retries_and_discarded_batches() {
    let text = of(View {
        quiet: true,
        ..View::default()
    });
    insta::assert_snapshot!(text);
}

#[test]
fn raw_is_the_functions_own_lines() {
    let text = of(View {
        logs: Logs::Raw,
        functions: vec!["audit".into()],
        ..View::default()
    });
    let expected = "plain text of a function, as it is, however long it may be: it is cut on a terminal and whole in a pipe
[DEBUG]\t2026-01-01T10:00:05.001Z\t8476a536-e9f4-11e8-9739-2dfe598c3fcd\ta detail
";
    assert_eq!(text, expected);
}

#[test]
fn json_is_every_event_and_can_be_read_again() {
    let text = of(View {
        logs: Logs::Json,
        ..View::default()
    });
    let read: Vec<Event> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let expected: Vec<Event> = events::of_a_minute()
        .iter()
        .map(|one| (**one).clone())
        .collect();
    assert_eq!(read, expected);
    let first = text.lines().next().unwrap();
    assert_eq!(
        first,
        r#"{"time":"2026-01-01T10:00:00Z","type":"environmentStarted","function":"audit","environment":1,"initMs":212.3}"#
    );
}

#[test]
fn metrics_are_shown_on_request() {
    let view = View::default();
    assert!(!of(view.clone()).contains("CacheHit"));
    let metrics = View {
        metrics: true,
        ..view
    };
    assert!(of(metrics).contains("metrics   CacheHit=9  CacheMiss=1  WriteToRead=2.4 ms"));
}

#[tokio::test]
async fn a_follower_shows_everything_before_the_bus_is_closed() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let output = Output::to(file.reopen().unwrap());
    let bus = EventBus::default();
    let presenter = Presenter::new(View::default(), ["f"]);
    let following = follow(bus.subscribe(), presenter, || Screen::PLAIN, output.clone());
    let log = |text: &str| EventKind::Log {
        function: "f".into(),
        environment: 1,
        text: text.into(),
    };
    // The earlier line is published later.
    bus.publish_at(|| events::at(2), || log("second"));
    bus.publish_at(|| events::at(1), || log("first"));
    bus.close();
    following.await.unwrap();
    assert_eq!(output.finish(), 0);
    let text = std::fs::read_to_string(file.path()).unwrap();
    assert_eq!(
        text,
        "10:00:00.001 f           first\n10:00:00.002 f           second\n"
    );
}
