//! Answers the requests of an HTTP/2 connection in the connection's own task.
//!
//! hyper starts a task for each request. On several threads, one read of the socket that
//! brings ten requests wakes other threads for nine of them; they then wait for the
//! connection's lock, to write replies that only the first thread can send. Replies here
//! take microseconds, or wait for something else.

use std::{
    future::Future,
    mem,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use futures_util::{FutureExt, Stream, stream::FuturesUnordered};
use hyper::rt::Executor;

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Takes the requests of one connection from hyper, for [`Requests`].
#[derive(Clone, Default)]
pub(crate) struct SameTask(Arc<Mutex<Vec<Task>>>);

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for SameTask {
    fn execute(&self, task: F) {
        // A reply that panics is one reply, as with a task of its own.
        let task = AssertUnwindSafe(task).catch_unwind().map(drop);
        self.lock().push(Box::pin(task));
    }
}

impl SameTask {
    fn lock(&self) -> MutexGuard<'_, Vec<Task>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The requests of a connection that are under way.
pub(crate) struct Requests {
    new: SameTask,
    running: FuturesUnordered<Task>,
}

impl Requests {
    /// Those that hyper hands to `new`.
    pub(crate) fn of(new: SameTask) -> Self {
        Self {
            new,
            running: FuturesUnordered::new(),
        }
    }

    /// Polls `connection` and its requests. Ready when the connection has ended.
    pub(crate) fn poll<C: Future>(
        &mut self,
        mut connection: Pin<&mut C>,
        context: &mut Context<'_>,
    ) -> Poll<C::Output> {
        loop {
            if let Poll::Ready(ended) = connection.as_mut().poll(context) {
                return Poll::Ready(ended);
            }
            self.running.extend(mem::take(&mut *self.new.lock()));
            let mut finished = false;
            while let Poll::Ready(Some(())) = Pin::new(&mut self.running).poll_next(context) {
                finished = true;
            }
            if !finished {
                return Poll::Pending;
            }
            // Then the connection has replies to send.
        }
    }
}
