//! A record that is kept, and what happened to it.

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;

use crate::events::Redriven;

/// What happened to a record, of one mapping or of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Status {
    /// No invocation has had it.
    Waiting,
    /// An invocation has it.
    Invoked,
    /// An invocation with it failed, and another one follows.
    Retrying,
    /// It is processed.
    Processed,
    /// No filter matches it.
    Filtered,
    /// It is discarded.
    Discarded,
}

impl Status {
    /// As [`Serialize`] writes it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Invoked => "invoked",
            Self::Retrying => "retrying",
            Self::Processed => "processed",
            Self::Filtered => "filtered",
            Self::Discarded => "discarded",
        }
    }

    fn is_settled(self) -> bool {
        matches!(self, Self::Processed | Self::Filtered | Self::Discarded)
    }
}

/// A record in a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// The stream's name.
    pub stream: Arc<str>,
    /// The shard's id.
    pub shard: Arc<str>,
    /// Its sequence number in the shard.
    pub sequence_number: Arc<str>,
    /// The key that selected its shard.
    pub partition_key: String,
    /// Bytes of its data.
    pub bytes: usize,
    /// When it was put, milliseconds since 1970.
    pub put_at: f64,
    /// Of all mappings of the stream: what is not settled comes first.
    pub status: Status,
    /// Invocations that had it.
    pub tries: u32,
    /// From its put until it was processed or discarded, milliseconds.
    pub latency_ms: Option<f64>,
    /// The function that had it last.
    pub function: Option<String>,
    /// The beginning of its data as text.
    pub preview: String,
}

/// Characters of a preview.
const PREVIEW: usize = 120;

/// Marks of a record that are kept. A record that is retried for hours keeps its first and
/// its last ones.
const MOST_MARKS: usize = 256;

/// What a kept record takes besides its key and data, bytes, roughly.
const OVERHEAD: usize = 640;

/// A record that is kept.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    pub(crate) stream: Arc<str>,
    pub(crate) shard: Arc<str>,
    pub(crate) sequence_number: Arc<str>,
    pub(crate) partition_key: String,
    pub(crate) data: Bytes,
    /// Milliseconds since 1970.
    pub(crate) put_at: f64,
    /// `ApproximateArrivalTimestamp`, milliseconds since 1970, where a mapping has read it.
    pub(crate) arrived: Option<f64>,
    /// What each mapping did with it.
    pub(crate) progress: Vec<Progress>,
    pub(crate) marks: Vec<(f64, Mark)>,
    /// Marks that were left out in the middle.
    pub(crate) omitted: u64,
    pub(crate) tries: u32,
    /// When its last mapping had settled it.
    pub(crate) settled_at: Option<f64>,
    /// Whether an invocation with it has failed, or it was discarded.
    pub(crate) failed: bool,
}

/// What one mapping did with a record.
#[derive(Debug, Clone)]
pub(crate) struct Progress {
    pub(crate) mapping: Arc<str>,
    pub(crate) function: Arc<str>,
    pub(crate) status: Status,
}

/// What happened at a time.
#[derive(Debug, Clone)]
pub(crate) enum Mark {
    /// A mapping read it.
    Read { mapping: Arc<str> },
    /// It was in this invocation, by its number.
    Invocation(u64),
    /// A mapping has processed it.
    Processed { mapping: Arc<str> },
    /// No filter of a mapping matches it.
    Filtered { mapping: Arc<str> },
    /// A mapping has discarded it.
    Discarded {
        mapping: Arc<str>,
        condition: &'static str,
        /// The id of its batch, and the function error.
        batch: Option<Arc<(Option<String>, Option<String>)>>,
    },
    /// A redrive delivered it to this function, which has processed it.
    Redriven {
        function: Arc<str>,
        duration_ms: f64,
    },
}

impl Recorded {
    /// What it takes, bytes.
    pub(super) fn bytes(&self) -> usize {
        self.data.len() + self.partition_key.len() + OVERHEAD
    }

    pub(super) fn mark(&mut self, at: f64, mark: Mark) {
        if self.marks.len() >= MOST_MARKS {
            self.marks.remove(MOST_MARKS / 2);
            self.omitted += 1;
        }
        self.marks.push((at, mark));
    }

    /// Whether it is known to have been in this invocation, which is one of its last ones.
    pub(super) fn was_in(&self, invocation: u64) -> bool {
        let mut marks = self.marks.iter().rev();
        marks.any(|(_, mark)| matches!(mark, Mark::Invocation(number) if *number == invocation))
    }

    /// Notes what a mapping did with it.
    pub(super) fn is(&mut self, mapping: &Arc<str>, function: &Arc<str>, status: Status, at: f64) {
        let found = self.progress.iter().position(|one| one.mapping == *mapping);
        let mut progress = match found {
            Some(index) => self.progress.remove(index),
            None => Progress {
                mapping: mapping.clone(),
                function: function.clone(),
                status,
            },
        };
        progress.status = status;
        self.failed |= matches!(status, Status::Retrying | Status::Discarded);
        // The last one is the one that had it last.
        self.progress.push(progress);
        self.settled_at = status.is_settled().then_some(at);
    }

    /// A redrive delivered it: what mappings of that function discarded is processed now.
    pub(crate) fn redriven(&mut self, at: f64, redriven: &Redriven) {
        for progress in &mut self.progress {
            if progress.function == redriven.function && progress.status == Status::Discarded {
                progress.status = Status::Processed;
                self.settled_at = Some(at);
            }
        }
        let mark = Mark::Redriven {
            function: redriven.function.clone(),
            duration_ms: redriven.duration_ms,
        };
        self.mark(at, mark);
    }

    /// Of all mappings: what is not settled comes first.
    pub(crate) fn status(&self) -> Status {
        let order = [
            Status::Retrying,
            Status::Invoked,
            Status::Waiting,
            Status::Discarded,
            Status::Processed,
            Status::Filtered,
        ];
        let has = |status: &Status| self.progress.iter().any(|one| one.status == *status);
        order.into_iter().find(has).unwrap_or(Status::Waiting)
    }

    /// When all mappings had settled it.
    pub(crate) fn settled_at(&self) -> Option<f64> {
        self.settled_at.filter(|_| self.status().is_settled())
    }

    /// From its put until it was settled, milliseconds; `None` before.
    pub(crate) fn latency_ms(&self) -> Option<f64> {
        self.settled_at().map(|at| (at - self.put_at).max(0.0))
    }

    pub(crate) fn summary(&self) -> Summary {
        let status = self.status();
        Summary {
            stream: self.stream.clone(),
            shard: self.shard.clone(),
            sequence_number: self.sequence_number.clone(),
            partition_key: self.partition_key.clone(),
            bytes: self.data.len(),
            put_at: self.put_at,
            status,
            tries: self.tries,
            latency_ms: self.latency_ms(),
            function: self.progress.last().map(|one| one.function.to_string()),
            preview: preview(&self.data),
        }
    }
}

/// The beginning of data as text.
fn preview(data: &[u8]) -> String {
    // A character has at most four bytes.
    let most = data.len().min(PREVIEW * 4);
    let text = String::from_utf8_lossy(&data[..most]);
    text.chars().take(PREVIEW).collect()
}
