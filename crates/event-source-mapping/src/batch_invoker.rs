//! Invokes the function with a shard's batches, and retries, discards and checkpoints
//! as the outcome requires.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    batch::Prepared,
    context::MappingContext,
    destination::document,
    event::{self, Origin},
    low_watermark::LowWatermark,
    observer::{self, Invoked, Invoking},
    response::{self, BatchResult},
    retry_state::{Discarded, RetryState, Rules, Step, Verdict},
    settlement::DiscardedBatch,
    status::milliseconds,
    target::Reply,
    window::{Part, Window},
};

/// How long the function may take before a line is logged.
const SLOW: Duration = Duration::from_secs(30);

/// What the invocations of one shard share.
pub(super) struct BatchInvoker {
    pub(super) context: Arc<MappingContext>,
    /// Cancelled when no attempt is to follow the one under way.
    pub(super) stop: CancellationToken,
    pub(super) shard: String,
    pub(super) origin: Origin,
    pub(super) low_watermark: Mutex<LowWatermark>,
}

/// The last invocation with a batch's records.
pub(super) struct LastInvocation {
    pub(super) request_id: String,
    pub(super) reply: Reply,
}

/// How the invocations of one batch ended.
pub(super) struct BatchEnd {
    /// The mapping is stopping; records of the batch may be left.
    pub(super) stopped: bool,
    /// The tumbling window after the batch.
    pub(super) window: Option<Window>,
}

impl BatchInvoker {
    pub(super) fn low_watermark(&self) -> MutexGuard<'_, LowWatermark> {
        self.low_watermark
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Invokes the function until every record of the batch is processed or discarded,
    /// or the mapping stops.
    pub(super) async fn invoke_batch(
        &self,
        batch: &[Prepared],
        mut window: Option<Window>,
    ) -> BatchEnd {
        let mut retry_state = RetryState::new(batch.len(), Rules::from(&self.context.settings));
        let (mut last, mut done): (Option<LastInvocation>, _) = (None, 0);
        loop {
            let ended = match retry_state.next(|index| self.age(&batch[index])) {
                Step::Done => Some(false),
                Step::Discard(discarded) => {
                    self.discard(batch, &discarded, last.as_ref()).await;
                    let end = discarded.records.end;
                    self.finish(&batch[done..end], window.as_ref());
                    done = end;
                    None
                }
                Step::Invoke(records) => {
                    let retry = last.is_some();
                    let (verdict, invocation) =
                        self.invoke(&batch[records], &mut window, retry).await;
                    retry_state.settle(verdict);
                    let end = retry_state.done_until(batch.len()).max(done);
                    self.finish(&batch[done..end], window.as_ref());
                    done = end;
                    let failures = retry_state.failures_in_a_row();
                    self.log_unavailable(&invocation.reply, failures);
                    last = Some(invocation);
                    let goes_on = failures == 0 || self.pause(failures).await;
                    (!goes_on).then_some(true)
                }
            };
            if let Some(stopped) = ended {
                return BatchEnd { stopped, window };
            }
            if self.stop.is_cancelled() && done < batch.len() {
                let stopped = true;
                return BatchEnd { stopped, window };
            }
        }
    }

    /// Makes a tumbling window's final invocation. The shard waits until it succeeds; no
    /// option limits its retries.
    pub(super) async fn close(&self, window: &Window, part: Part) -> BatchEnd {
        let mut failures = 0;
        loop {
            let fields = window.fields(part, &self.origin);
            let event = event::join(std::iter::empty(), Some(&fields));
            let reply = self.reply_to(&new_id(), event).await;
            if matches!(reply, Reply::Success(_)) {
                self.context.checkpoints.close_window(&self.shard);
                return BatchEnd {
                    stopped: false,
                    window: None,
                };
            }
            failures += 1;
            self.note_error(&reply);
            if !self.pause(failures).await {
                return BatchEnd {
                    stopped: true,
                    window: None,
                };
            }
        }
    }

    /// Moves the checkpoint up to the low watermark.
    pub(super) fn checkpoint(&self, window: Option<&Window>) {
        // Locked during the move, so that moves keep their order.
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
        let settlement = &self.context.status.settlement;
        settlement.settle(&self.shard, records.len() as u64);
    }

    async fn invoke(
        &self,
        records: &[Prepared],
        window: &mut Option<Window>,
        retry: bool,
    ) -> (Verdict, LastInvocation) {
        let fields = window
            .as_ref()
            .map(|window| window.fields(Part::Records, &self.origin));
        let records_json = records.iter().map(|prepared| &prepared.json);
        let event = event::join(records_json, fields.as_ref());
        let status = &self.context.status;
        status.update(&self.shard, |status| status.retries += u64::from(retry));
        let request_id = new_id();
        self.context.observer.invoking(&Invoking {
            mapping: &self.context.name,
            shard: &self.shard,
            request_id: &request_id,
            retry,
            records,
        });
        let started = Instant::now();
        let reply = self.reply_to(&request_id, event).await;
        let elapsed = started.elapsed();
        let verdict = self.judge(records, &reply, window);
        let done = match verdict {
            Verdict::Done => records.len(),
            Verdict::FailedFrom(index) => index,
            _ => 0,
        };
        let age = records.last().map_or(Duration::ZERO, |last| self.age(last));
        status.update(&self.shard, |status| {
            status.batches += u64::from(verdict != Verdict::NotTaken);
            status.records += done as u64;
            status.iterator_age_ms = milliseconds(age);
        });
        status.processed(verdict == Verdict::Done);
        if verdict != Verdict::Done {
            self.note_error(&reply);
        }
        self.context.observer.invoked(&Invoked {
            mapping: &self.context.name,
            shard: &self.shard,
            request_id: &request_id,
            retry,
            records,
            done,
            elapsed,
            reply: &reply,
        });
        (verdict, LastInvocation { request_id, reply })
    }

    async fn reply_to(&self, request_id: &str, event: Bytes) -> Reply {
        let target = &self.context.target;
        let function = target.name();
        let _invoking = self.context.status.invoking(&self.shard, &function);
        let mut invocation = target.invoke_as(request_id, event);
        if let Ok(reply) = timeout(SLOW, &mut invocation).await {
            return reply;
        }
        let (mapping, shard) = (&self.context.name, &self.shard);
        let seconds = SLOW.as_secs();
        tracing::warn!(
            mapping,
            shard,
            function,
            seconds,
            "the function has not returned yet"
        );
        invocation.await
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
                tracing::warn!(target: observer::LOG_TARGET, mapping, shard, records = records.len(), kind = ?error.kind, error = error.summary(), "the function failed");
                Verdict::Failed
            }
            Reply::Throttled | Reply::Unavailable(_) => Verdict::NotTaken,
            Reply::TooLarge => Verdict::TooLarge,
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
                    "the function returned batch item failures"
                );
                Verdict::FailedFrom(index)
            }
            BatchResult::AllFailed => {
                tracing::warn!(mapping, shard, response = %String::from_utf8_lossy(payload), "the function's response names no record of its batch; the whole batch failed");
                Verdict::Failed
            }
        }
    }

    /// Once, and then at powers of two: a long outage does not flood the log.
    fn log_unavailable(&self, reply: &Reply, failures: u32) {
        if let Reply::Unavailable(reason) = reply
            && failures.is_power_of_two()
        {
            let (mapping, shard) = (&self.context.name, &self.shard);
            let target = self.context.target.name();
            tracing::warn!(
                mapping,
                shard,
                target,
                reason,
                "the function cannot be invoked; retrying"
            );
        }
    }

    fn note_error(&self, reply: &Reply) {
        let (line, text) = match reply {
            Reply::Success(_) => {
                let line = "the function returned batch item failures";
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

    async fn discard(
        &self,
        batch: &[Prepared],
        discarded: &Discarded,
        last: Option<&LastInvocation>,
    ) {
        let records = &batch[discarded.records.clone()];
        let function = self.context.target.name();
        let document = document(&self.origin, &function, records, discarded, last);
        let (mapping, shard) = (&self.context.name, &self.shard);
        let (condition, count) = (discarded.condition.as_str(), records.len());
        let kept = {
            let status = &self.context.status;
            let _waiting = status.waiting(shard, "the on-failure destination");
            self.context.failures.keep(&document).await
        };
        match &kept {
            Ok(document) => {
                tracing::warn!(
                    target: observer::LOG_TARGET,
                    mapping,
                    shard,
                    condition,
                    records = count,
                    document,
                    "records discarded"
                );
            }
            Err(error) => {
                tracing::error!(mapping, shard, condition, records = count, %error, %document, "records discarded; their invocation record cannot be written");
            }
        }
        let status = &self.context.status;
        status.update(shard, |status| status.discarded += count as u64);
        let last_reply = last.map(|last| &last.reply);
        let batch = DiscardedBatch::new((mapping, shard), records, discarded, last_reply);
        let observer = &self.context.observer;
        observer.discarded(mapping, shard, records, discarded);
        observer.batch_discarded(&batch, kept.as_deref().ok());
        status.settlement.discard(batch);
    }

    /// Waits before the next attempt; false when the mapping is stopping.
    async fn pause(&self, failures: u32) -> bool {
        let wait = self.context.backoff.after(failures);
        let observer = &self.context.observer;
        observer.retrying(&self.context.name, &self.shard, failures, wait);
        let status = &self.context.status;
        status.backing_off(&self.shard, wait);
        let goes_on = tokio::select! {
            () = sleep(wait) => true,
            () = self.stop.cancelled() => false,
        };
        status.backing_off(&self.shard, Duration::ZERO);
        goes_on
    }

    fn age(&self, prepared: &Prepared) -> Duration {
        let age = self.context.clock.now() - prepared.record.arrived;
        age.try_into().unwrap_or(Duration::ZERO)
    }
}

fn new_id() -> String {
    Uuid::new_v4().to_string()
}

/// In a tumbling window, a response without a state is a failure. The state of an
/// invocation that processed no record is dropped.
fn keep_state(verdict: Verdict, payload: &Bytes, window: &mut Window) -> Verdict {
    let Some(state) = response::state(payload) else {
        return Verdict::Failed;
    };
    if !matches!(verdict, Verdict::Failed | Verdict::FailedFrom(0)) {
        window.state = state;
    }
    verdict
}
