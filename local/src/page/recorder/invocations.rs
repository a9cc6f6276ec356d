//! The mappings' invocations that are kept.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use bytes::Bytes;

use crate::events::{Error, Outcome};

/// Invocations that are kept: those of more than the last 10,000 records.
const MOST: usize = 20_000;

/// A mapping's invocation.
#[derive(Debug, Clone, Default)]
pub(crate) struct Invocation {
    pub(crate) request_id: Arc<str>,
    pub(crate) mapping: Arc<str>,
    pub(crate) function: Arc<str>,
    pub(crate) shard: Arc<str>,
    /// Whether it retried records.
    pub(crate) retry: bool,
    pub(crate) records: usize,
    /// The sequence numbers of its first and last record.
    pub(crate) first: Arc<str>,
    pub(crate) last: Arc<str>,
    /// When the batch was formed, milliseconds since 1970.
    pub(crate) formed: f64,
    /// When a runtime received it.
    pub(crate) started: Option<f64>,
    pub(crate) environment: Option<u64>,
    /// The X-Ray trace header that the function got.
    pub(crate) trace: Option<Arc<str>>,
    pub(crate) ended: Option<Ended>,
    /// When and how the next attempt was scheduled.
    pub(crate) retried: Option<Retried>,
}

/// How an invocation ended.
#[derive(Debug, Clone)]
pub(crate) struct Ended {
    pub(crate) at: f64,
    pub(crate) duration_ms: f64,
    pub(crate) outcome: Outcome,
    pub(crate) error: Option<Error>,
    /// How many of its records, from the first on, are processed.
    pub(crate) processed: usize,
    pub(crate) response: Option<Bytes>,
}

/// The wait before the next attempt.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Retried {
    pub(crate) at: f64,
    pub(crate) wait_ms: f64,
    pub(crate) failures: u32,
}

/// Invocations by number, the oldest dropped.
#[derive(Debug, Default)]
pub(crate) struct Invocations {
    kept: VecDeque<Invocation>,
    /// The number of the first one kept.
    first: u64,
    numbers: HashMap<Arc<str>, u64>,
    /// The last one of each mapping and shard that left records.
    last_failed: HashMap<(Arc<str>, Arc<str>), u64>,
}

impl Invocations {
    /// Keeps one. Returns its number.
    pub(super) fn push(&mut self, invocation: Invocation) -> u64 {
        if self.kept.len() >= MOST
            && let Some(oldest) = self.kept.pop_front()
        {
            self.numbers.remove(&oldest.request_id);
            self.first += 1;
        }
        let number = self.first + self.kept.len() as u64;
        self.numbers.insert(invocation.request_id.clone(), number);
        self.kept.push_back(invocation);
        number
    }

    pub(crate) fn get(&self, number: u64) -> Option<&Invocation> {
        let index = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.kept.get(index)
    }

    /// When the environment of an invocation began the next one of a mapping.
    pub(super) fn next_start(&self, number: u64) -> Option<f64> {
        let invocation = self.get(number)?;
        let ended = invocation.ended.as_ref()?.at;
        let later = usize::try_from(number.checked_sub(self.first)?).ok()?;
        let mut later = self.kept.range(later + 1..).filter(|later| {
            later.environment == invocation.environment && later.function == invocation.function
        });
        later.find_map(|later| later.started.filter(|started| *started >= ended))
    }

    /// How many are kept.
    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        self.kept.len()
    }

    /// The number of a request's invocation.
    pub(super) fn number(&self, request_id: &str) -> Option<u64> {
        self.numbers.get(request_id).copied()
    }

    fn get_mut(&mut self, number: u64) -> Option<&mut Invocation> {
        let index = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.kept.get_mut(index)
    }

    /// A runtime has received a request.
    pub(super) fn started(&mut self, request_id: &str, at: f64, environment: u64, trace: &str) {
        let number = self.number(request_id);
        if let Some(invocation) = number.and_then(|number| self.get_mut(number)) {
            invocation.started = Some(at);
            invocation.environment = Some(environment);
            invocation.trace = Some(trace.into());
        }
    }

    /// A mapping has judged an invocation.
    pub(super) fn ended(&mut self, number: u64, ended: Ended) {
        let Some(invocation) = self.get_mut(number) else {
            return;
        };
        let at = (invocation.mapping.clone(), invocation.shard.clone());
        let all = ended.processed >= invocation.records;
        invocation.ended = Some(ended);
        if all {
            self.last_failed.remove(&at);
        } else {
            self.last_failed.insert(at, number);
        }
    }

    /// The next attempt of a mapping's shard was scheduled: that after the last invocation
    /// that left records. The events do not name it.
    pub(super) fn retrying(&mut self, mapping: &str, shard: &str, retried: Retried) {
        let at = (mapping.into(), shard.into());
        let number = self.last_failed.get(&at).copied();
        if let Some(invocation) = number.and_then(|number| self.get_mut(number)) {
            invocation.retried = Some(retried);
        }
    }
}
