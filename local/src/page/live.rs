//! `GET /_local/live`: what happens, as server-sent events.
//!
//! Frames are made when the connection can send them: a page that reads slowly misses
//! events and samples, and nothing waits for it.

use std::{collections::VecDeque, convert::Infallible, sync::Arc, time::Duration};

use aws_wire::ACCOUNT_ID;
use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::stream;
use http::header;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::{
    sync::watch,
    time::{Interval, MissedTickBehavior, interval},
};

use super::{Page, Shown, refusal::Refusal, sample::Sample};
use crate::events::{Event, EventKind, Subscription};

/// How often events and log lines are sent, and how many of each at once.
const EVENTS_EVERY: Duration = Duration::from_millis(250);
const MOST_EVENTS: usize = 200;

/// Records are sent with every second frame of events, at most so many.
const MOST_RECORDS: usize = 100;

/// Frames of events without anything to send, after which a comment keeps the connection.
const QUIET: u32 = 60;

pub(super) async fn live(State(page): State<Page>) -> Result<Response, Refusal> {
    page.record();
    let hello = hello(page.shown()?);
    let samples = page.0.samples.follow();
    let (notable, events) = page.0.bus.catch_up();
    let changes = page.0.recorder.state().records.changes();
    let mut frames = VecDeque::from([frame("hello", &hello)]);
    let history = page.0.samples.kept();
    if !history.is_empty() {
        frames.push_back(frame("history", &history));
    }
    if !notable.is_empty() {
        frames.push_back(frame("events", &notable));
    }
    let mut ticks = interval(EVENTS_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let live = Live {
        page,
        frames,
        samples,
        events,
        ticks,
        changes,
        is_second: false,
        quiet: 0,
    };
    let frames = stream::unfold(live, |mut live| async move {
        let frame = live.next().await?;
        Some((Ok::<_, Infallible>(frame), live))
    });
    let headers = [(header::CONTENT_TYPE, "text/event-stream")];
    Ok((headers, Body::from_stream(frames)).into_response())
}

/// The connection of one page.
struct Live {
    page: Page,
    frames: VecDeque<Bytes>,
    samples: watch::Receiver<Option<Arc<Sample>>>,
    events: Subscription,
    ticks: Interval,
    /// Changes of records that the page knows.
    changes: u64,
    is_second: bool,
    quiet: u32,
}

impl Live {
    /// The next frame; `None` when the environment stops.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(frame) = self.frames.pop_front() {
                self.quiet = 0;
                return Some(frame);
            }
            let bus = &self.page.0.bus;
            tokio::select! {
                () = bus.closed() => return None,
                // The sender lives in the page.
                _ = self.samples.changed() => {
                    let sample = self.samples.borrow_and_update().clone();
                    self.frames.extend(sample.map(|sample| frame("sample", &sample)));
                }
                _ = self.ticks.tick() => self.tick(),
            }
        }
    }

    fn tick(&mut self) {
        let new = self.new_events();
        if !new.notable.is_empty() {
            self.frames.push_back(frame("events", &new.notable));
        }
        if !new.lines.is_empty() {
            let message = json!({ "lines": new.lines, "skipped": new.lines_left_out });
            self.frames.push_back(frame("logs", &message));
        }
        self.is_second = !self.is_second;
        if self.is_second {
            self.new_records();
        }
        self.quiet += 1;
        if self.quiet >= QUIET {
            // A connection that is gone shows when something is sent.
            self.frames.push_back(Bytes::from_static(b":\n\n"));
        }
    }

    /// What was published since the last time.
    fn new_events(&mut self) -> New {
        let mut new = New::default();
        let mut left_out = 0;
        while let Some(event) = self.events.try_next() {
            match event.kind {
                EventKind::Dropped { events } => left_out += events,
                EventKind::Log { .. } if new.lines.len() >= MOST_EVENTS => new.lines_left_out += 1,
                EventKind::Log { .. } => new.lines.push(event),
                _ if !event.kind.is_notable() => {}
                _ if new.notable.len() >= MOST_EVENTS => left_out += 1,
                _ => new.notable.push(event),
            }
        }
        if left_out > 0 {
            new.notable.push(Arc::new(Event {
                time: time::OffsetDateTime::now_utc(),
                kind: EventKind::Dropped { events: left_out },
            }));
        }
        new
    }

    fn new_records(&mut self) {
        let (records, skipped, changes) = {
            let state = self.page.0.recorder.state();
            let (records, skipped) = state.records.changed_since(self.changes, MOST_RECORDS);
            (records, skipped, state.records.changes())
        };
        self.changes = changes;
        if !records.is_empty() {
            let message = json!({ "records": records, "skipped": skipped });
            self.frames.push_back(frame("records", &message));
        }
    }
}

/// Events for a page.
#[derive(Default)]
struct New {
    /// Then, in an event of its own, how many were left out.
    notable: Vec<Arc<Event>>,
    lines: Vec<Arc<Event>>,
    lines_left_out: u64,
}

/// What does not change while the environment runs.
fn hello(shown: &Shown) -> Value {
    let mappings = shown.mappings.all().into_iter().map(|mapping| {
        let definition = mapping.definition;
        json!({
            "uuid": definition.uuid.to_string(),
            "name": definition.name,
            "function": definition.function,
            "source": definition.source(),
        })
    });
    let url = shown.cache.as_ref().map(|(_, url)| url);
    let cache =
        (shown.cache_kind != "none").then(|| json!({ "kind": shown.cache_kind, "url": url }));
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "region": shown.region,
        "account": ACCOUNT_ID,
        "awsUrl": shown.aws_url,
        "lambdaUrl": shown.lambda_url,
        "cache": cache,
        "functions": shown.functions.keys().collect::<Vec<_>>(),
        "mappings": mappings.collect::<Vec<_>>(),
        "failures": shown.failures,
    })
}

/// One event with JSON, which has no line break, in its data.
fn frame(name: &str, data: &impl Serialize) -> Bytes {
    let mut frame = format!("event: {name}\ndata: ").into_bytes();
    // Writing numbers and text to memory cannot fail.
    if serde_json::to_writer(&mut frame, data).is_err() {
        return Bytes::new();
    }
    frame.extend(b"\n\n");
    frame.into()
}
