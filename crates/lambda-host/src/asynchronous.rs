//! Asynchronous invocations: accepted at once, retried when they fail (Lambda developer guide,
//! "How Lambda handles errors and retries with asynchronous invocation").
//!
//! Waiting events get slots in turn, in place of AWS's back-off of 1 s to 5 minutes after a
//! throttle: nothing here is shared with other accounts.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, sleep, timeout_at},
};

use super::{Function, Outcome, Request};

/// Waits before the second and the third attempt after a function error: one minute, then two.
const AFTER_ERRORS: [Duration; 2] = [Duration::from_mins(1), Duration::from_mins(2)];

/// How long an event is kept: `MaximumEventAgeInSeconds`, by default.
const MAXIMUM_AGE: Duration = Duration::from_hours(6);

/// Most payload of a function's waiting events, KiB. AWS documents no figure; it throttles
/// further events, too.
pub(super) const MAX_QUEUED_KIB: usize = 64 * 1024;

/// Queues an event: a task invokes the function, and again when that fails. `false` when too
/// many events are waiting.
pub(super) fn invoke(function: Arc<Function>, request: Request) -> bool {
    let kib = u32::try_from(request.payload.len() / 1024 + 1).unwrap_or(u32::MAX);
    let Ok(room) = function.queue.clone().try_acquire_many_owned(kib) else {
        return false;
    };
    tokio::spawn(deliver(function, request, room));
    true
}

async fn deliver(function: Arc<Function>, request: Request, _room: OwnedSemaphorePermit) {
    let expires = Instant::now() + MAXIMUM_AGE;
    let mut waits = AFTER_ERRORS.into_iter();
    let config = function.config();
    let name = &config.name;
    loop {
        let invoked = timeout_at(expires, function.invoke_when_free(request.clone()));
        let Ok(invoked) = invoked.await else {
            tracing::warn!(function = name, "discarded an event: it is too old");
            return;
        };
        let outcome = invoked.outcome;
        if matches!(outcome, Outcome::Success(_)) {
            return;
        }
        let Some(retry_in) = waits.next() else {
            tracing::warn!(
                function = name,
                ?outcome,
                "discarded an event: retries exhausted"
            );
            return;
        };
        tracing::warn!(
            function = name,
            ?outcome,
            ?retry_in,
            "asynchronous invocation failed"
        );
        sleep(retry_in).await;
    }
}
