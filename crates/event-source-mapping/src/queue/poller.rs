//! Receives messages while fewer batches are under way than the scaling allows, and starts
//! an invoker for each batch.

use std::{
    future::pending,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use super::{
    batch::{Gathering, Received},
    context::QueueContext,
    event::Entry,
    invoker::{BatchEnd, Invoker},
    message::Message,
    scaling::Scaling,
    source::{LONGEST_WAIT, QueueError},
};
use crate::shard::panic_message;

/// How long invocations under way may take when the mapping stops.
const STOP_GRACE: Duration = Duration::from_secs(5);

/// How often the concurrency grows while all batches are under way.
const GROWTH: Duration = Duration::from_millis(200);

/// How often the visibility timeout is read again: it may have been changed.
const REFRESH: Duration = Duration::from_mins(1);

/// How long that may take: the next batch waits for it.
const PROMPT: Duration = Duration::from_secs(1);

type Receiving = Pin<Box<dyn Future<Output = Result<Vec<Message>, QueueError>> + Send>>;

/// Receives and starts batches.
pub(super) struct Poller {
    context: Arc<QueueContext>,
    invoker: Arc<Invoker>,
    gathering: Gathering,
    batches: JoinSet<BatchEnd>,
    scaling: Scaling,
    /// The request under way, and how many messages it asks for. It is kept over turns of
    /// the loop: dropping it could lose what it has received.
    receiving: Option<(Receiving, usize)>,
    /// The last request returned as many messages as it asked for.
    more_waits: bool,
    /// Failed requests in a row.
    failures: u32,
    /// Whether invocations under way may take as long as they do when the mapping stops.
    patient: Arc<AtomicBool>,
}

impl Poller {
    pub(super) fn new(context: Arc<QueueContext>, patient: Arc<AtomicBool>) -> Self {
        Self {
            invoker: Arc::new(Invoker {
                context: context.clone(),
            }),
            gathering: Gathering::new(&context.settings, &context.clock),
            batches: JoinSet::new(),
            scaling: Scaling::new(context.is_fifo(), context.settings.maximum_concurrency),
            receiving: None,
            more_waits: false,
            failures: 0,
            patient,
            context,
        }
    }

    /// Runs until the mapping stops; says in `ready` when the queue has answered.
    pub(super) async fn run(mut self, ready: watch::Sender<bool>) {
        self.find_queue().await;
        ready.send_replace(true);
        self.poll().await;
        self.receiving = None;
        let unread = self.gathering.take();
        self.show();
        self.invoker.release(&unread).await;
        let batches = async { while self.batches.join_next().await.is_some() {} };
        if self.patient.load(Relaxed) {
            batches.await;
        } else if timeout(STOP_GRACE, batches).await.is_err() {
            let (mapping, seconds) = (&self.context.name, STOP_GRACE.as_secs());
            tracing::warn!(
                mapping,
                seconds,
                "invocations under way are dropped; their messages are delivered again"
            );
            self.batches.shutdown().await;
        }
        self.show();
    }

    /// Waits for the queue's first answer: the visibility timeout has to be known.
    async fn find_queue(&mut self) {
        loop {
            let context = self.context.clone();
            let answer = tokio::select! {
                answer = context.queue.state() => answer,
                () = context.stop.cancelled() => return,
            };
            match answer {
                Ok(state) => {
                    context.status.queue(state);
                    self.failures = 0;
                    return;
                }
                Err(error) => {
                    let wait = self.request_failed(&error);
                    if !context.pause(wait).await {
                        return;
                    }
                }
            }
        }
    }

    async fn poll(&mut self) {
        let context = self.context.clone();
        let mut moves = context.clock.moves();
        let mut refresh_at = Instant::now() + REFRESH;
        while !context.stop.is_cancelled() {
            self.start_batches();
            self.receive();
            self.show();
            let due_in = self.gathering.due_in().filter(|_| self.has_slot());
            let grows = self.scaling.grows();
            tokio::select! {
                received = received(&mut self.receiving) => self.take(received).await,
                Some(ended) = self.batches.join_next() => self.ended(ended),
                () = sleep(due_in.unwrap_or_default()), if due_in.is_some() => {}
                () = sleep(GROWTH), if grows => {}
                () = tokio::time::sleep_until(refresh_at) => {
                    refresh_at = Instant::now() + REFRESH;
                    if let Ok(Ok(state)) = timeout(PROMPT, context.queue.state()).await {
                        context.status.queue(state);
                    }
                }
                () = moves.changed() => {}
                () = context.stop.cancelled() => {}
            }
        }
    }

    fn has_slot(&self) -> bool {
        self.batches.len() < self.scaling.limit()
    }

    fn start_batches(&mut self) {
        if self.has_slot() && self.gathering.is_due() {
            let messages = self.gathering.take();
            let invoker = self.invoker.clone();
            self.batches
                .spawn(async move { invoker.invoke_batch(messages).await });
        }
        if self.has_slot() || !self.more_waits {
            self.scaling.unsaturated();
        } else {
            self.scaling.saturated(Instant::now());
        }
    }

    /// Starts a request where a batch could take its messages at once.
    fn receive(&mut self) {
        let most = self.gathering.room();
        if self.receiving.is_none() && self.has_slot() && most > 0 {
            let queue = self.context.queue.clone();
            let request = async move { queue.receive(most, LONGEST_WAIT).await };
            self.receiving = Some((Box::pin(request), most));
        }
    }

    async fn take(&mut self, (received, most): (Result<Vec<Message>, QueueError>, usize)) {
        let messages = match received {
            Ok(messages) => messages,
            Err(error) => {
                let wait = self.request_failed(&error);
                self.context.pause(wait).await;
                self.context.status.backing_off(Duration::ZERO);
                return;
            }
        };
        self.failures = 0;
        self.more_waits = messages.len() == most;
        if messages.is_empty() {
            self.scaling.idle();
            return;
        }
        let count = messages.len() as u64;
        self.context
            .status
            .update(|counts| counts.received += count);
        let context = &self.context;
        let visible_at = context.clock.instant() + context.status.visibility_timeout();
        let (arn, region) = (&context.queue_arn, &context.region);
        let mut filtered = Vec::new();
        for message in messages {
            if context.settings.filters.pass_message(&message, arn, region) {
                self.gathering.push(Received {
                    json: Entry::new(&message, arn, region).json(),
                    message,
                    visible_at,
                });
            } else {
                context.observer.message_filtered(&context.name, &message);
                filtered.push(message);
            }
        }
        if !filtered.is_empty() {
            self.invoker.delete_filtered(&filtered).await;
        }
    }

    fn ended(&mut self, ended: Result<BatchEnd, tokio::task::JoinError>) {
        match ended {
            Ok(BatchEnd::Processed) => {}
            Ok(BatchEnd::Failed) => self.scaling.back_off(),
            Err(error) => {
                let (mapping, reason) = (&self.context.name, panic_message(error));
                tracing::error!(
                    mapping,
                    reason,
                    "a batch panicked; its messages are visible again after the queue's visibility timeout"
                );
                self.context.status.failed(&reason, &reason);
                self.scaling.back_off();
            }
        }
    }

    /// Notes that a request to the queue failed, and returns the wait before the next one.
    fn request_failed(&mut self, error: &QueueError) -> Duration {
        self.failures += 1;
        let reason = error.to_string();
        // A long outage does not flood the log.
        if self.failures.is_power_of_two() {
            let (mapping, queue) = (&self.context.name, self.context.queue_name());
            tracing::warn!(mapping, queue, reason, "the queue cannot be read; retrying");
        }
        self.context.status.failed(&reason, &reason);
        let wait = self.context.backoff.after(self.failures);
        self.context.status.backing_off(wait);
        wait
    }

    /// Shows what waits and what is under way.
    fn show(&self) {
        let (waiting, limit) = (self.gathering.len(), self.scaling.limit());
        self.context.status.batches(self.batches.len());
        self.context.status.update(|counts| {
            counts.waiting = waiting as u64;
            counts.concurrency = limit as u64;
        });
    }
}

/// The result of the request under way, and how many messages it asked for.
async fn received(
    receiving: &mut Option<(Receiving, usize)>,
) -> (Result<Vec<Message>, QueueError>, usize) {
    let Some((request, most)) = receiving else {
        return pending().await;
    };
    let (result, most) = (request.await, *most);
    *receiving = None;
    (result, most)
}
