//! Where invocations meet the runtime that asks for them: one exchange for each execution
//! environment.
//!
//! An invocation is handed over only while the runtime waits in `/invocation/next`, and its
//! slot is free again only when the runtime asks for the next one: AWS ends the Invoke phase
//! there (Lambda runtime environment lifecycle, "Invoke phase").

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, futures::Notified, mpsc, oneshot},
    time::Instant,
};

use super::{
    outcome::FunctionError,
    platform_log::{Ending, PlatformLog},
    response_body,
};

/// The runtime's answer.
pub(super) type Answer = Result<Bytes, FunctionError>;

/// The reply to `/invocation/next`.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) request_id: String,
    pub(super) payload: Bytes,
    /// JSON text, decoded from `X-Amz-Client-Context`.
    pub(super) client_context: Option<String>,
    /// The X-Ray trace header: that of the request, or of a new trace.
    pub(super) trace: String,
}

/// An invocation on its way to the runtime.
#[derive(Debug)]
pub(super) struct Invocation {
    pub(super) event: Event,
    /// Where the chunks of a streamed response go.
    pub(super) chunks: Option<mpsc::Sender<Bytes>>,
    pub(super) answer: oneshot::Sender<Answer>,
    pub(super) busy: Busy,
    /// Whether the end of the log is asked for.
    pub(super) log_tail: bool,
}

/// A slot that is taken. The invoker hears from `released` when it is dropped.
#[derive(Debug)]
#[allow(dead_code, reason = "they are held, not read")]
pub(super) struct Busy {
    pub(super) permit: OwnedSemaphorePermit,
    pub(super) released: oneshot::Sender<()>,
}

/// An invocation that the runtime has received.
struct Current {
    /// Gone once the runtime has begun to answer: a second answer is refused.
    answer: Option<oneshot::Sender<Answer>>,
    chunks: Option<mpsc::Sender<Bytes>>,
    busy: Busy,
    began: Instant,
}

/// An answer on its way from the runtime. Dropped before [`Answering::finish`], it has broken
/// off.
pub(super) struct Answering {
    exchange: Arc<Exchange>,
    request_id: String,
    answer: Option<oneshot::Sender<Answer>>,
    chunks: Option<mpsc::Sender<Bytes>>,
}

impl Answering {
    /// Where the chunks of a streamed response go.
    pub(super) fn chunks(&mut self) -> Option<mpsc::Sender<Bytes>> {
        self.chunks.take()
    }

    /// The answer has arrived in full.
    pub(super) fn finish(mut self, answer: Answer) {
        self.send(answer);
    }

    /// The slot stays taken until the runtime asks for its next invocation.
    fn send(&mut self, answer: Answer) {
        if let Some(invoker) = self.answer.take() {
            // First, so that the invoker's next invocation expects this runtime.
            self.exchange.answered(&self.request_id, answer.is_ok());
            // An invoker that timed out has no use for it.
            let _ = invoker.send(answer);
        }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.send(Err(response_body::broken_off("the connection was closed")));
    }
}

/// The exchange of one execution environment.
pub(super) struct Exchange {
    state: Mutex<State>,
    /// Wakes whoever waits for a free environment.
    changed: Arc<Notify>,
    slots: usize,
    /// Has the end of each invocation before the next one begins.
    platform: Arc<PlatformLog>,
}

struct State {
    /// One for each `/invocation/next` that is held open.
    waiting: VecDeque<oneshot::Sender<Event>>,
    /// By request id: a runtime in concurrent mode has several.
    current: HashMap<String, Current>,
    /// Answered, but the runtime has not asked for the next invocation.
    finishing: VecDeque<Busy>,
    /// When the runtime last began to wait.
    idle_since: Instant,
    closed: bool,
}

impl Exchange {
    /// An exchange whose runtime takes `slots` invocations at once.
    pub(super) fn new(slots: usize, changed: Arc<Notify>, platform: Arc<PlatformLog>) -> Self {
        let state = Mutex::new(State {
            waiting: VecDeque::new(),
            current: HashMap::new(),
            finishing: VecDeque::new(),
            idle_since: Instant::now(),
            closed: false,
        });
        Self {
            state,
            changed,
            slots,
            platform,
        }
    }

    /// The runtime asks for its next invocation. `None` when it has not answered those that
    /// it has, or after [`Exchange::close`].
    pub(super) fn next(&self) -> Option<oneshot::Receiver<Event>> {
        let (waiter, event) = oneshot::channel();
        let mut state = self.state();
        if state.closed || state.current.len() >= self.slots {
            return None;
        }
        state.waiting.retain(|waiter| !waiter.is_closed());
        state.waiting.push_back(waiter);
        state.idle_since = Instant::now();
        let released = state.finishing.pop_front();
        drop(state);
        // After the waiter is there: whoever gets the slot must find it.
        drop(released);
        self.changed.notify_waiters();
        Some(event)
    }

    /// Hands an invocation to a runtime that waits for one.
    ///
    /// # Errors
    ///
    /// The runtime does not wait: the invocation comes back.
    pub(super) fn hand_over(&self, mut invocation: Box<Invocation>) -> Result<(), Box<Invocation>> {
        let mut state = self.state();
        while let Some(waiter) = state.waiting.pop_front() {
            let request_id = invocation.event.request_id.clone();
            // The runtime may have hung up; its request is then closed.
            match waiter.send(invocation.event) {
                Ok(()) => {
                    let current = Current {
                        answer: Some(invocation.answer),
                        chunks: invocation.chunks,
                        busy: invocation.busy,
                        began: Instant::now(),
                    };
                    state.current.insert(request_id, current);
                    return Ok(());
                }
                Err(back) => invocation.event = back,
            }
        }
        Err(invocation)
    }

    /// The runtime begins to answer the invocation with this id. `None` when it has none
    /// with this id, or has answered it already.
    pub(super) fn answering(self: &Arc<Self>, request_id: &str) -> Option<Answering> {
        let mut state = self.state();
        let current = state.current.get_mut(request_id)?;
        let answer = Some(current.answer.take()?);
        let chunks = current.chunks.take();
        drop(state);
        Some(Answering {
            exchange: self.clone(),
            request_id: request_id.to_owned(),
            answer,
            chunks,
        })
    }

    fn answered(&self, request_id: &str, well: bool) {
        let began = {
            let state = self.state();
            state.current.get(request_id).map(|current| current.began)
        };
        if let Some(began) = began {
            let ending = if well {
                Ending::Answered
            } else {
                Ending::Failed
            };
            self.platform.ended(request_id, began, ending);
        }
        let mut state = self.state();
        if let Some(current) = state.current.remove(request_id) {
            state.finishing.push_back(current.busy);
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// The process has ended, with this status: frees all slots, and ends the invocations
    /// without an answer.
    pub(super) fn close(&self, status: &str) {
        let mut state = self.state();
        state.closed = true;
        let waiting = std::mem::take(&mut state.waiting);
        let current = std::mem::take(&mut state.current);
        let finishing = std::mem::take(&mut state.finishing);
        drop(state);
        for (request_id, current) in &current {
            let ending = Ending::Exited(status);
            self.platform.ended(request_id, current.began, ending);
        }
        let (answers, busy): (Vec<_>, Vec<_>) = current
            .into_values()
            .map(|current| (current.answer, current.busy))
            .unzip();
        drop((waiting, busy, finishing));
        // After their slots are free: an invoker's next invocation must not be throttled.
        drop(answers);
        self.changed.notify_waiters();
    }

    /// Waits until [`Exchange::close`].
    pub(super) async fn closed(&self) {
        loop {
            let changed = self.changed();
            if self.is_closed() {
                return;
            }
            changed.await;
        }
    }

    /// Whether the process has ended and all that it sent has arrived.
    pub(super) fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// Whether the runtime waits for an invocation.
    pub(super) fn waits(&self) -> bool {
        let state = self.state();
        state.waiting.iter().any(|waiter| !waiter.is_closed())
    }

    /// Whether the runtime has a slot without an invocation, so that it is expected to ask
    /// for one soon.
    pub(super) fn is_expected(&self) -> bool {
        self.state().current.len() < self.slots
    }

    /// Whether the runtime neither waits nor has anything to do. Such a runtime has hung up
    /// and may never ask again.
    pub(super) fn is_stalled(&self) -> bool {
        let state = self.state();
        state.waiting.iter().all(oneshot::Sender::is_closed)
            && state.current.is_empty()
            && state.finishing.is_empty()
    }

    /// Whether an invocation waits for its answer.
    pub(super) fn has_invocation(&self) -> bool {
        !self.state().current.is_empty()
    }

    /// Since when no slot has been taken; `None` while one is.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        let state = self.state();
        let idle = state.current.is_empty() && state.finishing.is_empty();
        idle.then_some(state.idle_since)
    }

    /// Waits until no slot is taken, or the process has ended.
    pub(super) async fn idle(&self) {
        loop {
            let changed = self.changed();
            if self.is_closed() || self.idle_since().is_some() {
                return;
            }
            changed.await;
        }
    }

    fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
