//! At a high rate a terminal has counts, and a pipe every line.

use std::sync::Arc;

use local::{
    events::{Event, Outcome},
    terminal::{Presenter, Screen, View},
};

use crate::{events, screen};

/// Seconds with `rate` invocations and log lines each.
fn seconds(seconds: i64, rate: i64) -> Vec<Arc<Event>> {
    let mut all = Vec::new();
    for second in 0..seconds {
        for number in 0..rate {
            let at = second * 1000 + number * 1000 / rate;
            all.push(events::log(
                at,
                "orders-worker",
                r#"{"level":"INFO","message":"processed"}"#,
            ));
            let mut batch = events::ok(10);
            batch.duration_ms = f64::from(u32::try_from(number + 1).unwrap());
            all.push(events::invoked(at, batch));
        }
    }
    all
}

/// What is shown of them, and in the second after them.
fn shown(events: &[Arc<Event>], screen: &Screen) -> String {
    let mut presenter = Presenter::new(View::default(), ["orders-worker"]);
    let mut text = presenter.show(events, screen);
    text.push_str(&presenter.turn_to(crate::events::at(60_000), screen));
    text
}

#[test]
fn at_a_high_rate_a_terminal_has_a_line_of_counts_each_second() {
    let text = shown(&seconds(3, 500), &screen(80, false));
    let lines: Vec<_> = text.lines().collect();
    // The first second begins line by line; nobody knew.
    assert_eq!(lines.len(), 10 + 20 + 3 * 2, "{text}");
    insta::assert_snapshot!(lines[28..].join("\n"));
}

#[test]
fn at_a_low_rate_a_terminal_has_every_line() {
    let text = shown(&seconds(5, 4), &screen(80, false));
    assert_eq!(text.lines().count(), 5 * 4 * 2, "{text}");
}

#[test]
fn a_terminal_has_every_line_again_after_a_high_rate() {
    let mut all = seconds(2, 500);
    for second in 10..15 {
        all.push(events::log(second * 1000, "orders-worker", "calm again"));
    }
    let text = shown(&all, &screen(80, false));
    // The first slow second ends the counting.
    assert_eq!(text.matches("calm again").count(), 4, "{text}");
}

#[test]
fn a_pipe_has_every_line_at_any_rate() {
    let text = shown(&seconds(3, 500), &Screen::PLAIN);
    assert_eq!(text.lines().count(), 3 * 500 * 2);
}

#[test]
fn failures_are_never_only_counted() {
    let mut all = Vec::new();
    for number in 0..3000 {
        let failed = events::failed(Outcome::Error, "OrderError", "no such order");
        all.push(events::invoked(number, failed));
    }
    let text = shown(&all, &screen(160, false));
    assert_eq!(text.matches("OrderError").count(), 20 + 3 + 3, "{text}");
    assert_eq!(text.matches("more failed invocations").count(), 3, "{text}");
}
