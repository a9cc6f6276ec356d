//! The requests that wiremock retains, and how to free them without refusing a call.
//!
//! wiremock keeps every request that a mock matched, body included, until it is reset,
//! also with recording disabled. A reset removes the mock too: a request between reset
//! and registration would get 404.
//!
//! Both wait for wiremock's lock, which is fair, and wiremock answers requests under
//! that lock on its only thread. [`replace`] queues the two while a request is being
//! answered, so that no other request can queue between them.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Waker},
};

use tokio::task::unconstrained;
use wiremock::{Mock, MockServer};

/// Bound on retained requests: some 14 MB over gRPC (1.4 KB each) or 50 MB over
/// HTTP/1.1 (5 KB each), without bodies.
const MAX_REQUESTS: u64 = 10_000;

/// Bound on the bodies of retained requests, bytes. The last one may exceed it.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// Counts the requests that wiremock retains since the last replacement.
#[derive(Debug, Default)]
pub(super) struct Retained {
    requests: AtomicU64,
    bytes: AtomicU64,
}

impl Retained {
    /// Counts a request with a body of this many bytes. Returns whether a bound is
    /// reached; the count then restarts.
    pub(super) fn reaches_bound_with(&self, body: usize) -> bool {
        let body = body as u64;
        let requests = self.requests.fetch_add(1, Relaxed) + 1;
        let bytes = self.bytes.fetch_add(body, Relaxed) + body;
        let reached = requests >= MAX_REQUESTS || bytes >= MAX_BYTES;
        if reached {
            self.requests.store(0, Relaxed);
            self.bytes.store(0, Relaxed);
        }
        reached
    }
}

/// Replaces wiremock's mocks by `mock`, which frees the retained requests. Must be
/// called while wiremock answers a request: on its thread, under its lock.
pub(super) fn replace(server: Arc<MockServer>, mock: Mock) {
    let (resetting, registering) = (server.clone(), server.clone());
    // Unconstrained: tokio's budget could keep a future from queueing.
    let mut reset = Box::pin(unconstrained(async move { resetting.reset().await }));
    let mut register = Box::pin(unconstrained(async move {
        registering.register(mock).await;
    }));
    // Queues for the lock: the request that is being answered holds it.
    let mut context = Context::from_waker(Waker::noop());
    let _ = reset.as_mut().poll(&mut context);
    let _ = register.as_mut().poll(&mut context);
    tokio::spawn(async move {
        reset.await;
        register.await;
        tracing::debug!("the cache stub freed the requests that wiremock retained");
        // The last owner waits for the lock, which this thread must stay free to release.
        tokio::task::spawn_blocking(move || drop(server));
    });
}

#[cfg(test)]
mod tests {
    use super::{MAX_BYTES, MAX_REQUESTS, Retained};

    #[test]
    fn the_bound_counts_requests_and_bytes_and_restarts() {
        let retained = Retained::default();
        for _ in 1..MAX_REQUESTS {
            assert!(!retained.reaches_bound_with(0));
        }
        assert!(retained.reaches_bound_with(0));
        let half = usize::try_from(MAX_BYTES / 2).unwrap();
        assert!(!retained.reaches_bound_with(half));
        assert!(retained.reaches_bound_with(half));
        assert!(!retained.reaches_bound_with(half));
    }
}
