//! A deadline around every call of a cache or a store.

use std::{pin::pin, time::Duration};

use tokio::{select, task::yield_now, time::timeout};

/// How often the other tasks run once more before a call counts as too slow. A reply passes
/// through the connection's task and the client's to the call.
const LAST_TURNS: usize = 4;

/// Ends every call of `inner` after `limit`. The SDKs' own deadlines are far
/// longer, and Momento's does not cover connecting at all.
#[derive(Debug)]
pub struct Deadline<T> {
    pub(crate) inner: T,
    pub(crate) limit: Duration,
}

impl<T> Deadline<T> {
    /// Limits each call of `inner` to `limit`.
    pub fn new(inner: T, limit: Duration) -> Self {
        Self { inner, limit }
    }

    /// What `call` returns, or `None` where it takes longer than the limit.
    ///
    /// Lambda gives a function a share of a CPU in proportion to its memory, so a process may
    /// not run for longer than the limit. When it runs again, the timer is due and the reply
    /// is there, unread. Whoever waited is not who was slow: the reply is read before the call
    /// counts as too slow.
    pub(crate) async fn limited<R>(&self, call: impl Future<Output = R>) -> Option<R> {
        let mut call = pin!(call);
        if let Ok(result) = timeout(self.limit, &mut call).await {
            return Some(result);
        }
        for _ in 0..LAST_TURNS {
            select! {
                biased;
                result = &mut call => return Some(result),
                () = yield_now() => {}
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::{sync::oneshot, task::yield_now, time::sleep};

    use super::Deadline;

    const LIMIT: Duration = Duration::from_millis(50);

    #[tokio::test]
    async fn a_reply_that_came_while_the_process_did_not_run_is_in_time() {
        let (reply, call) = oneshot::channel();
        tokio::spawn(async move {
            // Due with the limit, and two turns of other tasks away from the call.
            sleep(LIMIT).await;
            yield_now().await;
            let _ = reply.send("reply");
        });
        let stopped = tokio::spawn(async { std::thread::sleep(2 * LIMIT) });
        let deadline = Deadline::new((), LIMIT);
        assert_eq!(deadline.limited(call).await, Some(Ok("reply")));
        stopped.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_is_never_answered_costs_the_limit() {
        let began = tokio::time::Instant::now();
        let deadline = Deadline::new((), LIMIT);
        assert_eq!(deadline.limited(std::future::pending::<()>()).await, None);
        assert_eq!(began.elapsed(), LIMIT);
    }
}
