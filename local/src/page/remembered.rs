//! The journeys of records that failed. They outlive the records: whoever looks for what went
//! wrong comes later than 10,000 records.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{
    journey::{self, Journey, Step},
    recorder::{Recorded, Remember, State},
};
use crate::events::Redriven;

/// Journeys that are remembered, and their bytes, at most.
const MOST: usize = 500;
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// The journeys. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Remembered(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    /// By the record's number.
    journeys: BTreeMap<u64, Arc<Failed>>,
    bytes: usize,
}

/// A record that failed, and what happened to it.
#[derive(Debug, Clone)]
pub(super) struct Failed {
    pub(super) record: Recorded,
    steps: Vec<Step>,
    bytes: usize,
}

impl Failed {
    pub(super) fn journey(&self, aws_url: &str) -> Journey {
        journey::with(self.steps.clone(), &self.record, aws_url)
    }
}

impl Remembered {
    /// Remembers what a recorder tells.
    pub(super) fn remember(&self) -> Remember {
        let remembered = self.clone();
        Box::new(move |state, number, record| {
            let steps = journey::steps(state, record);
            let bytes = record.data.len() + steps.iter().map(size).sum::<usize>();
            let record = record.clone();
            let failed = Failed {
                record,
                steps,
                bytes,
            };
            remembered.lock().insert(number, Arc::new(failed));
        })
    }

    /// Notes at this time, milliseconds since 1970, that a batch was redriven.
    pub(super) fn redriven(&self, at: f64, redriven: &Redriven) {
        let numbers: HashSet<_> = redriven.sequence_numbers.iter().collect();
        for failed in self.lock().journeys.values_mut() {
            if numbers.contains(&*failed.record.sequence_number) {
                let failed = Arc::make_mut(failed);
                let ended = at - failed.record.put_at;
                let (function, took) = (&redriven.function, redriven.duration_ms);
                failed.steps.push(journey::redriven(ended, function, took));
                failed.record.redriven(at, redriven);
            }
        }
    }

    /// A record by its number.
    pub(super) fn get(&self, number: u64) -> Option<Arc<Failed>> {
        self.lock().journeys.get(&number).cloned()
    }

    /// A record by its stream's name and its sequence number.
    pub(super) fn find(&self, stream: &str, sequence_number: &str) -> Option<Arc<Failed>> {
        let inner = self.lock();
        let mut journeys = inner.journeys.values();
        let found = journeys.find(|one| {
            *one.record.sequence_number == *sequence_number && *one.record.stream == *stream
        });
        found.cloned()
    }

    /// Those whose records `state` no longer keeps, with their numbers.
    pub(super) fn displaced(&self, state: &State) -> Vec<(u64, Arc<Failed>)> {
        let inner = self.lock();
        let all = inner.journeys.iter();
        let displaced = all.filter(|(number, _)| state.records.get(**number).is_none());
        displaced
            .map(|(number, failed)| (*number, failed.clone()))
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn insert(&mut self, number: u64, failed: Arc<Failed>) {
        self.bytes += failed.bytes;
        let before = self.journeys.insert(number, failed);
        self.bytes -= before.map_or(0, |before| before.bytes);
        while self.journeys.len() > MOST || self.bytes > MOST_BYTES {
            let Some((_, oldest)) = self.journeys.pop_first() else {
                return;
            };
            self.bytes -= oldest.bytes;
        }
    }
}

/// What a step takes, bytes, roughly.
fn size(step: &Step) -> usize {
    let text = step.title.len() + step.detail.as_ref().map_or(0, String::len);
    size_of::<Step>() + text + step.children.iter().map(size).sum::<usize>()
}
