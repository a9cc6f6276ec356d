//! Receiving messages, and waiting for them.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use durable_files::Commit;
use tokio::sync::Notify;

use super::{
    Engine, Inner,
    change::Change,
    committed,
    places::Place,
    queue::{Queue, Stored},
    receipt::Receipt,
    send::sequence_number,
};
use crate::{
    error::{Code, SqsError},
    message::{Message, Receive, Received},
    validation,
};

/// Messages in flight at most (developer guide, "Quotas related to messages").
const MOST_IN_FLIGHT: usize = 120_000;
/// Messages of one receive at most (API reference, `ReceiveMessage`).
const MOST_MESSAGES: usize = 10;
/// Seconds that one receive waits at most (API reference, `ReceiveMessage`).
const MOST_WAIT: u64 = 20;
/// Dead letters that one look moves at most: they are written to the log.
const MOST_DEAD: usize = 10;
/// How long an attempt's messages are remembered, milliseconds (API reference,
/// `ReceiveMessage`, `ReceiveRequestAttemptId`).
const ATTEMPT: u64 = 5 * 60 * 1000;

/// The attempts of a FIFO queue in the last five minutes.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    known: HashMap<String, Attempt>,
    order: VecDeque<(u64, String)>,
}

#[derive(Debug)]
struct Attempt {
    /// When it was made first, milliseconds.
    at: u64,
    /// Until when its messages are invisible, milliseconds.
    until: u64,
    /// Its messages, and how often each had been received then.
    messages: Vec<(u64, u32)>,
}

/// What one look at the queue gave.
struct Look {
    received: Vec<Received>,
    /// When a message becomes visible, milliseconds.
    next: Option<u64>,
    /// Only dead letters were found: there may be messages behind them.
    again: bool,
    commit: Option<Commit>,
}

impl Engine {
    /// Receives messages; waits for the first one as long as the request or the queue say.
    ///
    /// # Errors
    ///
    /// `QueueDoesNotExist`, also when it is deleted meanwhile; `InvalidParameterValue`;
    /// `OverLimit` if 120,000 are in flight and the request does not wait.
    pub(crate) async fn receive(
        &self,
        id: u64,
        request: &Receive,
    ) -> Result<Vec<Received>, SqsError> {
        check(request)?;
        let clock = &self.options.clock;
        let mut moves = clock.moves();
        let (arrivals, wait) = self.arrivals(id, request)?;
        let deadline = self.now() + wait;
        loop {
            // Before the look, so that nothing in between is missed.
            let arrived = arrivals.notified();
            tokio::pin!(arrived);
            arrived.as_mut().enable();
            let look = self.look(id, request, wait > 0)?;
            committed(look.commit).await?;
            if look.again {
                continue;
            }
            let now = self.now();
            if !look.received.is_empty() || now >= deadline {
                return Ok(look.received);
            }
            let next = look.next.map_or(deadline, |next| next.min(deadline));
            let pause = Duration::from_millis(next.saturating_sub(now));
            if pause.is_zero() {
                continue;
            }
            tokio::select! {
                () = arrived => {}
                () = tokio::time::sleep(pause) => {}
                () = moves.changed() => {}
            }
        }
    }

    /// The queue's signal, and how many milliseconds to wait.
    fn arrivals(&self, id: u64, request: &Receive) -> Result<(Arc<Notify>, u64), SqsError> {
        let inner = self.inner.lock();
        let queue = inner.queue(id)?;
        let wait = request
            .wait
            .map_or(queue.settings().wait, |wait| wait.as_secs());
        Ok((Arc::clone(&queue.arrivals), wait * 1000))
    }

    fn look(&self, id: u64, request: &Receive, waits: bool) -> Result<Look, SqsError> {
        let mut inner = self.inner.lock();
        let now = self.now();
        inner.tick(id, now)?;
        let queue = inner.queue(id)?;
        let settings = queue.settings();
        let fifo = settings.fifo;
        let timeout = match request.visibility_timeout {
            Some(timeout) => timeout.as_secs(),
            None => settings.visibility_timeout,
        };
        let until = now + timeout * 1000;
        if let Some(attempt) = request.attempt_id.as_deref().filter(|_| fifo)
            && let Some(look) = inner.again(id, attempt, now, until)?
        {
            return Ok(look);
        }
        let queue = inner.queue(id)?;
        let (_, _, in_flight) = queue.counts();
        let room = MOST_IN_FLIGHT.saturating_sub(in_flight);
        if room == 0 {
            // A FIFO queue, and a receive that waits, get no error.
            if fifo || waits {
                let next = queue.next_timer();
                return Ok(Look::nothing(next));
            }
            return Err(SqsError::new(
                Code::OverLimit,
                format!("The queue has {MOST_IN_FLIGHT} messages in flight, which is the maximum."),
            ));
        }
        let target = dead_letter_queue(self, &inner, queue);
        let max = request.max_messages.min(room);
        let picked = queue.pick(max, MOST_DEAD, target.map(|(_, max)| max));
        let mut changes = Vec::with_capacity(picked.taken.len());
        if let Some((target, _)) = target {
            self.move_dead(&mut inner, id, target, &picked.dead, now, &mut changes)?;
        }
        for index in &picked.taken {
            changes.push(Change::Receive {
                queue: id,
                index: *index,
                at: now,
                until,
            });
        }
        let commit = inner.write(changes)?;
        if let Some((target, _)) = target.filter(|_| !picked.dead.is_empty()) {
            inner.wake(target);
        }
        let received = inner.received(id, &picked.taken);
        if let Some(attempt) = request.attempt_id.as_deref().filter(|_| fifo) {
            inner.remember_attempt(id, attempt, &picked.taken, now, until);
        }
        // A visibility timeout of zero makes them visible again at once.
        inner.tick(id, now)?;
        inner.clean(now);
        Ok(Look {
            again: received.is_empty() && !picked.dead.is_empty(),
            received,
            next: inner.queue(id)?.next_timer(),
            commit,
        })
    }

    /// Moves dead letters to `target`. They keep their ids; a FIFO queue's get a new
    /// beginning of their retention, and their id as deduplication id (developer guide,
    /// "Setting-up dead-letter queue retention" and "Configure a dead-letter queue redrive").
    fn move_dead(
        &self,
        inner: &mut Inner,
        id: u64,
        target: u64,
        dead: &[u64],
        now: u64,
        changes: &mut Vec<Change>,
    ) -> Result<(), SqsError> {
        for index in dead {
            let number = inner.number(&self.options.clock);
            let queue = inner.queue(id)?;
            let Some(stored) = queue.get(*index) else {
                continue;
            };
            let fifo = queue.settings().fifo;
            let message = if fifo {
                let id = stored.message.id.to_string();
                Arc::new(Message {
                    deduplication_id: Some(id.into()),
                    ..(*stored.message).clone()
                })
            } else {
                Arc::clone(&stored.message)
            };
            let moved = Stored {
                index: number,
                message,
                sent: if fifo { now } else { stored.sent },
                place: Place::Ready,
                receives: 0,
                source: Some(self.arn(&queue.description.name).into()),
                ..stored.clone()
            };
            changes.push(Change::Remove {
                queue: id,
                index: *index,
            });
            changes.push(Change::Add {
                queue: target,
                stored: Box::new(moved),
            });
        }
        Ok(())
    }
}

impl Look {
    fn nothing(next: Option<u64>) -> Self {
        Self {
            received: Vec::new(),
            next,
            again: false,
            commit: None,
        }
    }
}

impl Inner {
    /// The messages that an earlier attempt received, if it can be repeated: none was
    /// deleted, or had its visibility changed, or was received again.
    fn again(
        &mut self,
        id: u64,
        attempt: &str,
        now: u64,
        until: u64,
    ) -> Result<Option<Look>, SqsError> {
        let attempts = self.attempts.get(&id);
        let Some(earlier) = attempts.and_then(|attempts| attempts.known.get(attempt)) else {
            return Ok(None);
        };
        let queue = self.queue(id)?;
        let unchanged = |(index, receive): &(u64, u32)| {
            queue.get(*index).is_some_and(|stored| {
                stored.all_receives == *receive && stored.place == Place::InFlight(earlier.until)
            })
        };
        let messages = &earlier.messages;
        if earlier.at + ATTEMPT <= now || messages.is_empty() || !messages.iter().all(unchanged) {
            return Ok(None);
        }
        let indices: Vec<u64> = messages.iter().map(|(index, _)| *index).collect();
        let changes = indices.iter().map(|index| Change::Visibility {
            queue: id,
            index: *index,
            until,
        });
        let commit = self.write(changes.collect())?;
        let attempts = self.attempts.get_mut(&id);
        if let Some(earlier) = attempts.and_then(|attempts| attempts.known.get_mut(attempt)) {
            earlier.until = until;
        }
        self.wake(id);
        Ok(Some(Look {
            received: self.received(id, &indices),
            next: None,
            again: false,
            commit,
        }))
    }

    fn received(&self, id: u64, indices: &[u64]) -> Vec<Received> {
        let Some(queue) = self.queues.get(id) else {
            return Vec::new();
        };
        let stored = indices.iter().filter_map(|index| queue.get(*index));
        stored
            .map(|stored| received(id, stored, queue.settings().fifo))
            .collect()
    }

    fn remember_attempt(&mut self, id: u64, attempt: &str, taken: &[u64], now: u64, until: u64) {
        let Some(queue) = self.queues.get(id) else {
            return;
        };
        let stored = taken.iter().filter_map(|index| queue.get(*index));
        let messages = stored.map(|stored| (stored.index, stored.all_receives));
        let messages = messages.collect();
        let attempts = self.attempts.entry(id).or_default();
        while let Some((at, name)) = attempts.order.front() {
            if *at + ATTEMPT > now {
                break;
            }
            if attempts.known.get(name).is_some_and(|last| last.at == *at) {
                attempts.known.remove(name);
            }
            attempts.order.pop_front();
        }
        let attempt = attempt.to_owned();
        attempts.order.push_back((now, attempt.clone()));
        let made = Attempt {
            at: now,
            until,
            messages,
        };
        attempts.known.insert(attempt, made);
    }
}

fn received(queue: u64, stored: &Stored, fifo: bool) -> Received {
    let receipt = Receipt {
        queue,
        index: stored.index,
        receive: stored.all_receives,
    };
    Received {
        message: Arc::clone(&stored.message),
        receipt_handle: receipt.handle(),
        sent: stored.sent,
        first_received: stored.first_received,
        receive_count: stored.all_receives,
        sequence_number: fifo.then(|| sequence_number(stored.index)),
        dead_letter_source: stored.source.clone(),
    }
}

/// The dead-letter queue of a queue, and the receives before a message goes there. While
/// it does not exist, messages stay.
fn dead_letter_queue(engine: &Engine, inner: &Inner, queue: &Queue) -> Option<(u64, u32)> {
    let policy = queue.settings().redrive.as_ref()?;
    let name = engine.name_in_arn(&policy.dead_letter_target_arn)?;
    let target = inner.queues.id(name)?;
    Some((target, policy.max_receive_count))
}

fn check(request: &Receive) -> Result<(), SqsError> {
    let max = request.max_messages;
    if !(1..=MOST_MESSAGES).contains(&max) {
        let reason = format!("Must be between 1 and {MOST_MESSAGES}, if provided.");
        return Err(SqsError::parameter(max, "MaxNumberOfMessages", reason));
    }
    if let Some(wait) = request.wait
        && wait.as_secs() > MOST_WAIT
    {
        let reason = format!("Must be >= 0 and <= {MOST_WAIT}, if provided.");
        return Err(SqsError::parameter(
            wait.as_secs(),
            "WaitTimeSeconds",
            reason,
        ));
    }
    if let Some(timeout) = request.visibility_timeout {
        validation::visibility(timeout)?;
    }
    Ok(())
}
