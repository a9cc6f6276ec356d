//! A lane: one of a shard's queues of records. At most one of its batches is under way,
//! so its records keep their order. A shard has as many as its `ParallelizationFactor`
//! (parallelization factor, concurrent batches per shard).

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use movable_clock::Clock;
use tokio::time::Instant;

use super::{
    batch::{Buffer, Prepared},
    context::MappingContext,
    window::{Part, Window},
};

/// A queue of records.
#[derive(Debug)]
pub(super) struct Lane {
    buffer: Buffer,
    clock: Clock,
    batching_window: Duration,
    tumbling_window: Option<Duration>,
    /// When the batching window ends: the batch is then sent, however small.
    ready_at: Instant,
    /// The tumbling window that its last batch belonged to.
    window: Option<Window>,
    /// A batch is under way.
    busy: bool,
}

/// The next invocation of a lane.
#[derive(Debug)]
pub(super) enum Work {
    /// With these records.
    Batch(Vec<Prepared>, Option<Window>),
    /// The final invocation of a tumbling window.
    Close(Window, Part),
}

impl Lane {
    pub(super) fn new(context: &MappingContext, window: Option<Window>) -> Self {
        let (settings, clock) = (&context.settings, &context.clock);
        let tumbling_window = settings.tumbling_window;
        Self {
            buffer: Buffer::new(settings.batch_size, tumbling_window.is_some()),
            batching_window: settings.batching_window,
            tumbling_window,
            ready_at: clock.instant(),
            clock: clock.clone(),
            window: window.filter(|_| tumbling_window.is_some()),
            busy: false,
        }
    }

    pub(super) fn push(&mut self, prepared: Prepared) {
        if self.buffer.is_empty() {
            self.ready_at = self.clock.instant() + self.batching_window;
        }
        self.buffer.push(prepared);
    }

    /// Records and bytes that wait.
    pub(super) fn waiting(&self) -> (usize, usize) {
        (self.buffer.len(), self.buffer.bytes())
    }

    /// Whether nothing is left to do, if no more records come.
    pub(super) fn is_done(&self) -> bool {
        !self.busy && self.buffer.is_empty() && self.window.is_none()
    }

    /// Takes the next invocation that is due; the lane is then busy until
    /// [`Lane::finish`]. `closed` says that no more records will come.
    pub(super) fn take(&mut self, closed: bool) -> Option<Work> {
        if self.busy {
            return None;
        }
        let work = self
            .window_to_close(closed)
            .or_else(|| self.batch(closed))?;
        self.busy = true;
        Some(work)
    }

    /// The invocation is over, and `window` is the tumbling window after it.
    pub(super) fn finish(&mut self, window: Option<Window>) {
        self.busy = false;
        self.window = window;
    }

    /// How long until an invocation may be due if no record comes.
    pub(super) fn next_look(&self) -> Option<Duration> {
        match (self.busy, self.buffer.is_empty(), &self.window) {
            (true, ..) | (_, true, None) => None,
            (_, false, _) => Some(
                self.ready_at
                    .saturating_duration_since(self.clock.instant()),
            ),
            (_, true, Some(window)) => Some(window.closes_in(self.clock.now())),
        }
    }

    fn window_to_close(&mut self, closed: bool) -> Option<Work> {
        let window = self.window.as_ref()?;
        let part = match self.buffer.first_arrival() {
            _ if window.has_outgrown() => Part::FinalEarly,
            Some(arrived) if window.ends_before(arrived) => Part::Final,
            None if closed || window.closes_in(self.clock.now()).is_zero() => Part::Final,
            _ => return None,
        };
        self.window.take().map(|window| Work::Close(window, part))
    }

    fn batch(&mut self, closed: bool) -> Option<Work> {
        let first = self.buffer.first_arrival()?;
        if let (None, Some(length)) = (&self.window, self.tumbling_window) {
            self.window = Some(Window::around(first, length));
        }
        let window = self.window.as_ref();
        if !(closed || self.buffer.is_full(window) || self.clock.instant() >= self.ready_at) {
            return None;
        }
        let batch = self.buffer.cut(window);
        self.ready_at = self.clock.instant() + self.batching_window;
        Some(Work::Batch(batch, self.window.take()))
    }
}

/// The lane, of `lanes`, of a partition key's records: always the same.
pub(super) fn of_key(partition_key: &str, lanes: usize) -> usize {
    if lanes <= 1 {
        return 0;
    }
    let mut hasher = DefaultHasher::new();
    partition_key.hash(&mut hasher);
    let lanes = lanes as u64;
    usize::try_from(hasher.finish() % lanes).unwrap_or(0)
}
