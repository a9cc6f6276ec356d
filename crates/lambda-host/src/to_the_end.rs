//! Work that continues when its caller stops waiting.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::runtime::Handle;

/// Polls a future in the caller's task. When it is dropped before the future ends, the rest
/// becomes a task. A task from the start would hand every invocation to another thread.
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
            return Poll::Pending; // Its output has been returned.
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
    use futures_util::FutureExt;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn awaited_work_returns_its_output() {
        assert_eq!(ToTheEnd::new(async { 1 }).await, 1);
    }

    #[tokio::test]
    async fn work_that_is_dropped_half_way_continues() {
        let (go_on, gone_on) = oneshot::channel::<()>();
        let (end, ended) = oneshot::channel();
        let mut work = ToTheEnd::new(async move {
            let _ = gone_on.await;
            let _ = end.send(());
        });
        assert!((&mut work).now_or_never().is_none());
        drop(work);
        go_on.send(()).unwrap();
        ended.await.unwrap();
    }
}
