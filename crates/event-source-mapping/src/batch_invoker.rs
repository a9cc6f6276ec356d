//! Brings batches of one shard to the function, as often as the rules say.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use tokio::time::{Instant, sleep};

use super::{
    batch::Prepared,
    context::MappingContext,
    destination::document,
    event::{self, Origin},
    low_watermark::LowWatermark,
    observer::Invoked,
    response::{self, BatchResult},
    retry_state::{Discarded, RetryState, Rules, Step, Verdict},
    target::Reply,
    window::{Part, Window},
};

/// What the deliveries of one shard share.
pub(super) struct BatchInvoker {
    pub(super) context: Arc<MappingContext>,
    pub(super) shard: String,
    pub(super) origin: Origin,
    pub(super) low_watermark: Mutex<LowWatermark>,
}

/// How a delivery ended.
pub(super) struct Delivered {
    /// The mapping is stopping; some records may be left.
    pub(super) stopped: bool,
    /// The window, as it left it.
    pub(super) window: Option<Window>,
}

impl BatchInvoker {
    pub(super) fn low_watermark(&self) -> MutexGuard<'_, LowWatermark> {
        self.low_watermark
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Delivers a batch until every record is dealt with, or the mapping stops.
    pub(super) async fn deliver(
        &self,
        batch: &[Prepared],
        mut window: Option<Window>,
    ) -> Delivered {
        let mut retry_state = RetryState::new(batch.len(), Rules::from(&self.context.settings));
        let (mut last_reply, mut done) = (None, 0);
        loop {
            let ended = match retry_state.next(|index| self.age(&batch[index])) {
                Step::Done => Some(false),
                Step::Discard(discarded) => {
                    self.discard(batch, &discarded, last_reply.as_ref()).await;
                    let end = discarded.records.end;
                    self.finish(&batch[done..end], window.as_ref());
                    done = end;
                    None
                }
                Step::Invoke(records) => {
                    let retry = last_reply.is_some();
                    let (verdict, reply) = self.invoke(&batch[records], &mut window, retry).await;
                    retry_state.settle(verdict);
                    let end = retry_state.done_until(batch.len()).max(done);
                    self.finish(&batch[done..end], window.as_ref());
                    done = end;
                    last_reply = Some(reply);
                    let failures = retry_state.failures_in_a_row();
                    let goes_on = failures == 0 || self.pause(failures).await;
                    (!goes_on).then_some(true)
                }
            };
            if let Some(stopped) = ended {
                return Delivered { stopped, window };
            }
            if self.context.stop.is_cancelled() && done < batch.len() {
                let stopped = true;
                return Delivered { stopped, window };
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
            let reply = self.context.target.invoke(event).await;
            if matches!(reply, Reply::Success(_)) {
                self.context.checkpoints.close_window(&self.shard);
                return Delivered {
                    stopped: false,
                    window: None,
                };
            }
            failures += 1;
            self.note_error(&reply);
            if !self.pause(failures).await {
                return Delivered {
                    stopped: true,
                    window: None,
                };
            }
        }
    }

    /// Moves the checkpoint as far as it may go.
    pub(super) fn checkpoint(&self, window: Option<&Window>) {
        // Held over the move, so that moves happen in their order.
        let mut low_watermark = self.low_watermark();
        let last = low_watermark.advance();
        let checkpoints = &self.context.checkpoints;
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
            let mut low_watermark = self.low_watermark();
            for prepared in records {
                low_watermark.finish(prepared.ordinal);
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
        let status = &self.context.status;
        status.update(&self.shard, |status| {
            status.in_flight += 1;
            status.retries += u64::from(retry);
        });
        let started = Instant::now();
        let reply = self.context.target.invoke(event).await;
        let elapsed = started.elapsed();
        let verdict = self.judge(records, &reply, window);
        let done = match verdict {
            Verdict::Done => records.len(),
            Verdict::FailedFrom(index) => index,
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
        self.context.observer.invoked(&Invoked {
            mapping: &self.context.name,
            shard: &self.shard,
            records,
            done,
            elapsed,
            reply: &reply,
        });
        (verdict, reply)
    }

    fn judge(&self, records: &[Prepared], reply: &Reply, window: &mut Option<Window>) -> Verdict {
        let (mapping, shard) = (&self.context.name, &self.shard);
        match reply {
            Reply::Success(payload) => {
                let verdict = self.judge_response(records, payload);
                match window {
                    Some(window) => keep_state(verdict, payload, window),
                    None => verdict,
                }
            }
            Reply::FunctionError(error) => {
                tracing::warn!(mapping, shard, records = records.len(), kind = ?error.kind, error = error.summary(), "the function failed");
                Verdict::Failed
            }
            Reply::Throttled => Verdict::NotTaken,
            Reply::TooLarge => Verdict::TooLarge,
            Reply::Unavailable(reason) => {
                tracing::warn!(
                    mapping,
                    shard,
                    target = self.context.target.name(),
                    reason,
                    "the function cannot be invoked; it is tried again"
                );
                Verdict::NotTaken
            }
        }
    }

    fn judge_response(&self, records: &[Prepared], payload: &Bytes) -> Verdict {
        if !self.context.settings.report_batch_item_failures {
            return Verdict::Done;
        }
        let (mapping, shard) = (&self.context.name, &self.shard);
        let numbers: Vec<_> = records
            .iter()
            .map(|prepared| prepared.record.sequence_number.as_str())
            .collect();
        match response::read(payload, &numbers) {
            BatchResult::AllDone => Verdict::Done,
            BatchResult::FailedFrom(index) => {
                let of = records.len();
                tracing::debug!(
                    mapping,
                    shard,
                    index,
                    of,
                    "the function reported failed records"
                );
                Verdict::FailedFrom(index)
            }
            BatchResult::AllFailed => {
                tracing::warn!(mapping, shard, response = %String::from_utf8_lossy(payload), "the function's response names no record of its batch; all of it counts as failed");
                Verdict::Failed
            }
        }
    }

    fn note_error(&self, reply: &Reply) {
        let (line, text) = match reply {
            Reply::Success(_) => {
                let line = "the function reported batch item failures";
                (line.to_owned(), line.to_owned())
            }
            Reply::FunctionError(error) => (error.summary(), error.text()),
            Reply::Throttled => ("throttled".to_owned(), "throttled".to_owned()),
            Reply::TooLarge => {
                let line = "the payload is too large";
                (line.to_owned(), line.to_owned())
            }
            Reply::Unavailable(reason) => (reason.clone(), reason.clone()),
        };
        self.context.status.failed(&self.shard, &line, &text);
    }

    async fn discard(&self, batch: &[Prepared], discarded: &Discarded, last_reply: Option<&Reply>) {
        let records = &batch[discarded.records.clone()];
        let function = self.context.target.name();
        let document = document(&self.origin, &function, records, discarded, last_reply);
        let (mapping, shard) = (&self.context.name, &self.shard);
        let (condition, count) = (discarded.condition.as_str(), records.len());
        match self.context.failures.keep(&document).await {
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
        let note = |status: &mut super::status::ShardStatus| status.discarded += count as u64;
        self.context.status.update(shard, note);
        self.context
            .observer
            .discarded(mapping, shard, records, discarded);
    }

    /// Waits before the next try; false when the mapping is stopping.
    async fn pause(&self, failures: u32) -> bool {
        let wait = self.context.backoff.after(failures);
        let status = &self.context.status;
        status.backing_off(&self.shard, wait);
        let goes_on = tokio::select! {
            () = sleep(wait) => true,
            () = self.context.stop.cancelled() => false,
        };
        status.backing_off(&self.shard, Duration::ZERO);
        goes_on
    }

    fn age(&self, prepared: &Prepared) -> Duration {
        let age = (self.context.clock)() - prepared.record.arrived;
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
