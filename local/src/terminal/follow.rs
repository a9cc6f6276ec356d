//! Shows events while the pipeline runs, beside it.

use std::time::Duration;

use time::OffsetDateTime;
use tokio::{
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::{Presenter, Screen, order::order};
use crate::{events::Subscription, output::Output};

/// How long events are collected before they are shown: what a function writes comes
/// through a pipe, a little later than the end of its invocation, and is shown before it.
const FRAME: Duration = Duration::from_millis(30);

/// When a second without events is over.
const IDLE: Duration = Duration::from_millis(500);

/// Most events that are shown together.
const MOST: usize = 4096;

/// Shows every event of a subscription, until it ends. `screen` is asked each time: a
/// terminal can change its size.
pub fn follow(
    mut events: Subscription,
    mut presenter: Presenter,
    screen: impl Fn() -> Screen + Send + 'static,
    output: Output,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            let first = match timeout(IDLE, events.next()).await {
                Ok(Some(first)) => first,
                Ok(None) => break,
                Err(_) => {
                    output.lines(&presenter.turn_to(OffsetDateTime::now_utc(), &screen()));
                    continue;
                }
            };
            sleep(FRAME).await;
            let mut frame = vec![first];
            while let Some(event) = events.try_next() {
                frame.push(event);
                if frame.len() == MOST {
                    break;
                }
            }
            output.lines(&presenter.show(&order(frame), &screen()));
        }
        let end = OffsetDateTime::now_utc() + Duration::from_secs(1);
        output.lines(&presenter.turn_to(end, &screen()));
    })
}
