//! Windows that end because the clock is moved.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use event_source_mapping::{
    Clock,
    settings::Settings,
    target::{Reply, Target},
};
use serde_json::Value;
use tokio::time::sleep;

use crate::{status::start_on, stream::Stream};

/// A function that keeps its events.
#[derive(Default)]
struct Recorder(Mutex<Vec<Value>>);

#[async_trait]
impl Target for Recorder {
    fn name(&self) -> String {
        "function".into()
    }

    async fn invoke(&self, event: Bytes) -> Reply {
        let event = serde_json::from_slice(&event).unwrap();
        self.0.lock().unwrap().push(event);
        Reply::Success(Bytes::from_static(b"{\"state\":{}}"))
    }
}

impl Recorder {
    /// What it was invoked with, a moment later: nothing else moves under a paused clock.
    async fn events(&self) -> Vec<Value> {
        sleep(Duration::from_secs(3)).await;
        self.0.lock().unwrap().clone()
    }
}

const WINDOW: Duration = Duration::from_mins(5);

#[tokio::test(start_paused = true)]
async fn a_batching_window_ends_when_the_clock_is_moved() {
    let clock = Clock::tokio();
    let stream = Stream::new(clock.clone(), 1, 0, 1);
    let function = Arc::new(Recorder::default());
    let settings = Settings {
        batching_window: WINDOW,
        ..Settings::default()
    };
    let mapping = start_on(&clock, stream.clone(), function.clone(), settings);
    stream.put(0, b"{}".to_vec());
    assert!(function.events().await.is_empty());
    clock.advance(WINDOW);
    assert_eq!(function.events().await.len(), 1);
    mapping.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_tumbling_window_ends_when_the_clock_is_moved() {
    let clock = Clock::tokio();
    let stream = Stream::new(clock.clone(), 1, 0, 1);
    let function = Arc::new(Recorder::default());
    let settings = Settings {
        tumbling_window: Some(WINDOW),
        ..Settings::default()
    };
    let mapping = start_on(&clock, stream.clone(), function.clone(), settings);
    stream.put(0, b"{}".to_vec());
    let events = function.events().await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["isFinalInvokeForWindow"], false);
    clock.advance(WINDOW);
    let events = function.events().await;
    assert_eq!(events.len(), 2);
    assert_eq!(events[1]["isFinalInvokeForWindow"], true);
    mapping.stop().await;
}
