//! What a person sees of `klocal up`: whole screens as golden files, at fixed times.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod events;
mod pace;
mod view;

use std::{sync::Arc, time::Duration};

use local::{
    events::Event,
    terminal::{Presenter, Screen, View, summary::Summary, welcome::Welcome},
};

/// A terminal of this width; escape codes are shown as `␛`.
fn screen(width: usize, colour: bool) -> Screen {
    Screen {
        width: Some(width),
        colour,
    }
}

fn shown(view: View, events: &[Arc<Event>], screen: &Screen) -> String {
    let mut presenter = Presenter::new(view, ["orders-worker", "audit"]);
    presenter.show(events, screen)
}

fn welcome() -> Welcome {
    let ms = Duration::from_millis;
    let service =
        |name, at: &str, took, what: &str| (name, at.to_owned(), ms(took), what.to_owned());
    Welcome {
        services: vec![
            service(
                "AWS APIs",
                "http://127.0.0.1:4566",
                45,
                "Kinesis, DynamoDB, SQS, SSM, Logs",
            ),
            service("Lambda", "http://127.0.0.1:9000", 212, "audit"),
            service("Lambda", "http://127.0.0.1:9000", 212, "orders-worker"),
            service(
                "Cache",
                "http://127.0.0.1:8080",
                2,
                "Momento server, gRPC and HTTP",
            ),
            service("Cache", "127.0.0.1:9004", 2, "Momento, protosocket"),
        ],
        mappings: vec![
            (
                "orders".into(),
                "orders-worker".into(),
                "OrdersMapping".into(),
            ),
            ("orders".into(), "audit".into(), "AuditMapping".into()),
        ],
        skipped: vec!["DiscardedOrders (AWS::SQS::Queue)".into()],
        notes: vec!["Policies: permissions are not checked".into()],
        changes: vec!["Since the last start: stream orders updated: 4 shards".into()],
        aws: "http://127.0.0.1:4566".into(),
        page: "http://127.0.0.1:4566/_local/".into(),
        region: "us-east-1".into(),
        stream: Some("orders".into()),
    }
}

fn summary() -> Summary {
    Summary {
        took: Duration::from_secs(133),
        processed: 1_234,
        discarded: 1,
        filtered: 20,
        invocations: 140,
        retries: 3,
        cold_starts: 2,
        messages: None,
        cache: Some((984, 1_000)),
        dropped_lines: 0,
    }
}

/// Everything that `up` shows, from its first line to its last.
fn whole(screen: &Screen) -> String {
    let events = events::of_a_minute();
    let view = View {
        metrics: true,
        ..View::default()
    };
    let text = [
        welcome().render(screen),
        shown(view, &events, screen),
        summary().render(screen),
    ];
    text.concat().replace('\u{1b}', "␛")
}

#[test]
fn a_narrow_terminal_without_colour() {
    insta::assert_snapshot!(whole(&screen(80, false)));
}

#[test]
fn a_narrow_terminal_with_colour() {
    insta::assert_snapshot!(whole(&screen(80, true)));
}

#[test]
fn a_wide_terminal_without_colour() {
    insta::assert_snapshot!(whole(&screen(160, false)));
}

#[test]
fn a_wide_terminal_with_colour() {
    insta::assert_snapshot!(whole(&screen(160, true)));
}

#[test]
fn a_pipe() {
    insta::assert_snapshot!(whole(&Screen::PLAIN));
}

#[test]
fn a_line_of_a_queue_s_messages_says_how_many_are_processed() {
    let events = [
        events::messages(1, 1, None),
        events::messages(2, 10, Some("batch item failure: message 059f36b4")),
    ];
    let text = shown(View::default(), &events, &Screen::PLAIN);
    let lines: Vec<_> = text.lines().map(str::trim_end).collect();
    let expected = [
        "10:00:00.001 audit         ok        1 message    3.5 ms   queue discarded-orders  message 059f36b4-87a3-44ab-83d2-661975830a7d  request 8476a536-e9f4-11e8-9739-2dfe598c3fcd",
        "10:00:00.002 audit         partial   9 of 10 messages 3.5 ms   queue discarded-orders  receive count 2  batch item failure: message 059f36b4  request 8476a536-e9f4-11e8-9739-2dfe598c3fcd",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn no_line_is_wider_than_its_terminal() {
    for width in [80, 160] {
        for line in whole(&screen(width, false)).lines() {
            assert!(
                console::measure_text_width(line) <= width,
                "{width}: {line}"
            );
        }
    }
}
