//! Work that goes on when nobody waits for it any more.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::runtime::Handle;

/// Runs a future where it is awaited. Dropped before its end, what is left of it
/// becomes a task of its own. Nothing is handed to another thread before that,
/// which a task from the start would be.
pub(super) struct ToTheEnd<F>(Option<Pin<Box<F>>>)
where
    F: Future<Output: Send + 'static> + Send + 'static;

impl<F: Future<Output: Send + 'static> + Send + 'static> ToTheEnd<F> {
    /// Runs `work`.
    pub(super) fn new(work: F) -> Self {
        Self(Some(Box::pin(work)))
    }
}

impl<F: Future<Output: Send + 'static> + Send + 'static> Future for ToTheEnd<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let Some(work) = &mut self.0 else {
            return Poll::Pending; // It has given its output.
        };
        let output = ready!(work.as_mut().poll(context));
        self.0 = None;
        Poll::Ready(output)
    }
}

impl<F: Future<Output: Send + 'static> + Send + 'static> Drop for ToTheEnd<F> {
    fn drop(&mut self) {
        let left = self.0.take().filter(|_| !std::thread::panicking());
        if let (Some(left), Ok(runtime)) = (left, Handle::try_current()) {
            runtime.spawn(left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ToTheEnd;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn what_is_waited_for_gives_its_output() {
        assert_eq!(ToTheEnd::new(async { 1 }).await, 1);
    }

    #[tokio::test]
    async fn what_is_dropped_half_way_goes_on() {
        let (go_on, gone_on) = oneshot::channel::<()>();
        let (end, ended) = oneshot::channel();
        let mut work = ToTheEnd::new(async move {
            let _ = gone_on.await;
            let _ = end.send(());
        });
        assert!(futures_util::poll!(&mut work).is_pending());
        drop(work);
        go_on.send(()).unwrap();
        ended.await.unwrap();
    }
}
