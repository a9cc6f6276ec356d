//! Brings batches of one shard to the function, as often as the rules say.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use tokio::time::{Instant, sleep};

use super::{
    batch::Prepared,
    delivery::{Delivery, GivenUp, Rules, Step, Verdict},
    destination::document,
    event::{self, Origin},
    observer::Invoked,
    progress::Progress,
    response::{self, BatchResult},
    shard::{Ended, Shared},
    target::Reply,
    window::{Part, Window},
};

/// What the deliveries of one shard share.
pub(super) struct Courier {
    pub(super) shared: Arc<Shared>,
    pub(super) shard: String,
    pub(super) origin: Origin,
    pub(super) progress: Mutex<Progress>,
}

/// How a delivery ended.
pub(super) struct Delivered {
    /// Closed: all of it is dealt with.
    pub(super) ended: Ended,
    /// The window, as it left it.
    pub(super) window: Option<Window>,
}

impl Courier {
    pub(super) fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Delivers a batch until every record is dealt with, or the mapping stops.
    pub(super) async fn deliver(
        &self,
        batch: &[Prepared],
        mut window: Option<Window>,
    ) -> Delivered {
        let mut delivery = Delivery::new(batch.len(), Rules::from(&self.shared.settings));
        let (mut last_reply, mut done) = (None, 0);
        loop {
            let ended = match delivery.next(|place| self.age(&batch[place])) {
                Step::Done => Some(Ended::Closed),
                Step::GiveUp(given_up) => {
                    self.give_up(batch, &given_up, last_reply.as_ref()).await;
                    let end = given_up.records.end;
                    self.finish(&batch[done..end], window.as_ref());
                    done = end;
                    None
                }
                Step::Invoke(records) => {
                    let retry = last_reply.is_some();
                    let (verdict, reply) = self.invoke(&batch[records], &mut window, retry).await;
                    delivery.settle(verdict);
                    let end = delivery.done_until(batch.len()).max(done);
                    self.finish(&batch[done..end], window.as_ref());
                    done = end;
                    last_reply = Some(reply);
                    let failures = delivery.failures_in_a_row();
                    let goes_on = verdict == Verdict::Done || self.pause(failures).await;
                    (!goes_on).then_some(Ended::Stopped)
                }
            };
            if let Some(ended) = ended {
                return Delivered { ended, window };
            }
            if self.shared.stop.is_cancelled() && done < batch.len() {
                let ended = Ended::Stopped;
                return Delivered { ended, window };
            }
        }
    }

    /// Makes a window's final invocation, as often as it takes: until it
    /// succeeds the shard stands still. No option limits these tries.
    pub(super) async fn close(&self, window: &Window, part: Part) -> Delivered {
        let mut failures = 0;
        loop {
            let fields = window.fields(part, &self.origin);
            let event = event::join(std::iter::empty(), Some(&fields));
            let reply = self.shared.target.invoke(event).await;
            if matches!(reply, Reply::Success(_)) {
                self.shared.checkpoints.close_window(&self.shard);
                return Delivered {
                    ended: Ended::Closed,
                    window: None,
                };
            }
            failures += 1;
            self.note_error(&reply);
            if !self.pause(failures).await {
                return Delivered {
                    ended: Ended::Stopped,
                    window: None,
                };
            }
        }
    }

    /// Moves the checkpoint as far as it may go.
    pub(super) fn checkpoint(&self, window: Option<&Window>) {
        // Held over the move, so that moves happen in their order.
        let mut progress = self.progress();
        let last = progress.advance();
        let checkpoints = &self.shared.checkpoints;
        match (last, window) {
            (last, Some(window)) => {
                checkpoints.advance_in_window(&self.shard, last.as_deref(), window);
            }
            (Some(last), None) => checkpoints.advance(&self.shard, &last),
            (None, None) => {}
        }
    }

    fn finish(&self, records: &[Prepared], window: Option<&Window>) {
        if records.is_empty() {
            return;
        }
        {
            let mut progress = self.progress();
            for prepared in records {
                progress.finish(prepared.place);
            }
        }
        self.checkpoint(window);
    }

    async fn invoke(
        &self,
        records: &[Prepared],
        window: &mut Option<Window>,
        retry: bool,
    ) -> (Verdict, Reply) {
        let fields = window
            .as_ref()
            .map(|window| window.fields(Part::Records, &self.origin));
        let records_json = records.iter().map(|prepared| &prepared.json);
        let event = event::join(records_json, fields.as_ref());
        let status = &self.shared.status;
        status.update(&self.shard, |status| {
            status.in_flight += 1;
            status.retries += u64::from(retry);
        });
        let started = Instant::now();
        let reply = self.shared.target.invoke(event).await;
        let elapsed = started.elapsed();
        let verdict = self.judge(records, &reply, window);
        let done = match verdict {
            Verdict::Done => records.len(),
            Verdict::FailedFrom(place) => place,
            _ => 0,
        };
        let age = records.last().map_or(Duration::ZERO, |last| self.age(last));
        status.update(&self.shard, |status| {
            status.in_flight = status.in_flight.saturating_sub(1);
            status.batches += u64::from(verdict != Verdict::NotTaken);
            status.records += done as u64;
            status.iterator_age_ms = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
        });
        if verdict != Verdict::Done {
            self.note_error(&reply);
        }
        self.shared.observer.invoked(&Invoked {
            shard: &self.shard,
            records,
            done,
            elapsed,
            reply: &reply,
        });
        (verdict, reply)
    }

    fn judge(&self, records: &[Prepared], reply: &Reply, window: &mut Option<Window>) -> Verdict {
        let (mapping, shard) = (&self.shared.name, &self.shard);
        match reply {
            Reply::Success(payload) => {
                let verdict = self.judge_response(records, payload);
                match window {
                    Some(window) => keep_state(verdict, payload, window),
                    None => verdict,
                }
            }
            Reply::FunctionError(error) => {
                tracing::warn!(mapping, shard, records = records.len(), kind = ?error.kind, error = error.text(), "the function failed");
                Verdict::Failed
            }
            Reply::Throttled => Verdict::NotTaken,
            Reply::TooLarge => Verdict::TooLarge,
            Reply::Unavailable(reason) => {
                tracing::warn!(
                    mapping,
                    shard,
                    target = self.shared.target.name(),
                    reason,
                    "the function cannot be invoked; it is tried again"
                );
                Verdict::NotTaken
            }
        }
    }

    fn judge_response(&self, records: &[Prepared], payload: &Bytes) -> Verdict {
        if !self.shared.settings.report_batch_item_failures {
            return Verdict::Done;
        }
        let (mapping, shard) = (&self.shared.name, &self.shard);
        let numbers: Vec<_> = records
            .iter()
            .map(|prepared| prepared.record.sequence_number.as_str())
            .collect();
        match response::read(payload, &numbers) {
            BatchResult::AllDone => Verdict::Done,
            BatchResult::FailedFrom(place) => {
                let of = records.len();
                tracing::debug!(
                    mapping,
                    shard,
                    place,
                    of,
                    "the function reported failed records"
                );
                Verdict::FailedFrom(place)
            }
            BatchResult::AllFailed => {
                tracing::warn!(mapping, shard, response = %String::from_utf8_lossy(payload), "the function's response names no record of its batch; all of it counts as failed");
                Verdict::Failed
            }
        }
    }

    fn note_error(&self, reply: &Reply) {
        let error = match reply {
            Reply::Success(_) => "the function reported failed records".to_owned(),
            Reply::FunctionError(error) => error.text(),
            Reply::Throttled => "throttled".to_owned(),
            Reply::TooLarge => "the payload is too large".to_owned(),
            Reply::Unavailable(reason) => reason.clone(),
        };
        let note = |status: &mut super::status::ShardStatus| status.last_error = Some(error);
        self.shared.status.update(&self.shard, note);
    }

    async fn give_up(&self, batch: &[Prepared], given_up: &GivenUp, last_reply: Option<&Reply>) {
        let records = &batch[given_up.records.clone()];
        let function = self.shared.target.name();
        let document = document(&self.origin, &function, records, given_up, last_reply);
        let (mapping, shard) = (&self.shared.name, &self.shard);
        let (condition, count) = (given_up.condition.as_str(), records.len());
        match self.shared.failures.keep(&document).await {
            Ok(document) => {
                tracing::warn!(
                    mapping,
                    shard,
                    condition,
                    records = count,
                    document,
                    "records given up"
                );
            }
            Err(error) => {
                tracing::error!(mapping, shard, condition, records = count, %error, %document, "records given up, and their document cannot be written");
            }
        }
        let note = |status: &mut super::status::ShardStatus| status.given_up += count as u64;
        self.shared.status.update(shard, note);
        self.shared.observer.gave_up(shard, records, given_up);
    }

    /// Waits before the next try; false when the mapping is stopping.
    async fn pause(&self, failures: u32) -> bool {
        let wait = self.shared.backoff.after(failures);
        let status = &self.shared.status;
        status.backing_off(&self.shard, wait);
        let goes_on = tokio::select! {
            () = sleep(wait) => true,
            () = self.shared.stop.cancelled() => false,
        };
        status.backing_off(&self.shard, Duration::ZERO);
        goes_on
    }

    fn age(&self, prepared: &Prepared) -> Duration {
        let age = (self.shared.clock)() - prepared.record.arrived;
        age.try_into().unwrap_or(Duration::ZERO)
    }
}

/// With a window, a response without a state is a failure; the state of one
/// that did nothing is not kept.
fn keep_state(verdict: Verdict, payload: &Bytes, window: &mut Window) -> Verdict {
    let Some(state) = response::state(payload) else {
        return Verdict::Failed;
    };
    if !matches!(verdict, Verdict::Failed | Verdict::FailedFrom(0)) {
        window.state = state;
    }
    verdict
}
