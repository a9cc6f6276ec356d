//! The records that are kept, and which of them changed last.
//!
//! The newest ones are kept, and besides them those that have failed and are not settled: at
//! 10,000 records a second a record that is retried would be gone before its second invocation.

use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    sync::Arc,
};

use foldhash::fast::RandomState;

use super::record::{Mark, Recorded, Summary};
use crate::events::SequenceNumbers;

/// Records that are kept at most.
pub(super) const MOST_RECORDS: usize = 10_000;

/// Bytes of records that are kept at most.
pub(super) const MOST_BYTES: usize = 32 * 1024 * 1024;

/// Failed records that are kept besides, and their bytes, at most.
const MOST_FAILING: usize = 1000;
const MOST_FAILING_BYTES: usize = 8 * 1024 * 1024;

/// Failed records that are settled, and whose journey waits to be remembered, at most.
const MOST_ENDED: usize = 256;

/// When the journey of a failed record is complete: its last log lines come late.
const LATE: f64 = 100.0;

/// How far two such records are apart at least, milliseconds: where all fail, some are enough.
const APART: f64 = 10.0;

/// Changes that are remembered, for pages that show what changed.
const MOST_CHANGES: usize = 4096;

/// The newest records. Each has a number: how many were seen before it.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// In the order in which they were seen first.
    records: VecDeque<Recorded>,
    /// The number of the first one kept.
    first: u64,
    /// By sequence number, which no other record of the engine has.
    numbers: HashMap<Arc<str>, u64, RandomState>,
    bytes: usize,
    /// Older ones that have failed, and were not settled when newer ones displaced them.
    failing: BTreeMap<u64, Recorded>,
    failing_bytes: usize,
    /// The numbers of failed records, and when they were settled.
    ended: VecDeque<(u64, f64)>,
    /// When [`Kept::take_ended`] took one.
    taken: f64,
    /// The numbers of the records that changed last.
    changes: VecDeque<u64>,
    /// How many changes there were before those.
    changes_before: u64,
}

impl Kept {
    /// Keeps a record, and drops the oldest ones that are too many. Returns its number.
    pub(super) fn push(&mut self, record: Recorded) -> u64 {
        let number = self.first + self.records.len() as u64;
        self.bytes += record.bytes();
        self.numbers.insert(record.sequence_number.clone(), number);
        self.records.push_back(record);
        while self.records.len() > MOST_RECORDS || self.bytes > MOST_BYTES {
            let Some(oldest) = self.records.pop_front() else {
                break;
            };
            self.bytes -= oldest.bytes();
            self.displaced(self.first, oldest);
            self.first += 1;
        }
        number
    }

    fn displaced(&mut self, number: u64, record: Recorded) {
        if !record.failed || record.settled_at().is_some() {
            self.numbers.remove(&record.sequence_number);
            return;
        }
        self.failing_bytes += record.bytes();
        self.failing.insert(number, record);
        while self.failing.len() > MOST_FAILING || self.failing_bytes > MOST_FAILING_BYTES {
            let Some((_, oldest)) = self.failing.pop_first() else {
                return;
            };
            self.failing_bytes -= oldest.bytes();
            self.numbers.remove(&oldest.sequence_number);
        }
    }

    /// Changes those of these records that are kept.
    pub(super) fn change(
        &mut self,
        sequence_numbers: &SequenceNumbers,
        mut change: impl FnMut(&mut Recorded),
    ) {
        for sequence_number in sequence_numbers.iter() {
            if let Some(number) = self.number(sequence_number)
                && let Some(record) = self.get_mut(number)
            {
                change(record);
                self.changed(number);
            }
        }
    }

    /// Notes that a record changed.
    pub(super) fn changed(&mut self, number: u64) {
        self.changes.push_back(number);
        if self.changes.len() > MOST_CHANGES {
            self.changes.pop_front();
            self.changes_before += 1;
        }
        if let Some(record) = self.get(number)
            && record.failed
            && let Some(at) = record.settled_at()
            && self.ended.len() < MOST_ENDED
        {
            self.ended.push_back((number, at));
        }
    }

    /// A failed record that is settled, and whose log lines have come: each once, and not
    /// all where there are many.
    pub(super) fn take_ended(&mut self, now: f64) -> Option<u64> {
        let (_, at) = *self.ended.front()?;
        if now < at + LATE || now < self.taken + APART {
            return None;
        }
        self.taken = now;
        self.ended.pop_front().map(|(number, _)| number)
    }

    pub(super) fn number(&self, sequence_number: &str) -> Option<u64> {
        self.numbers.get(sequence_number).copied()
    }

    pub(super) fn get_mut(&mut self, number: u64) -> Option<&mut Recorded> {
        match self.index(number) {
            Some(index) => self.records.get_mut(index),
            None => self.failing.get_mut(&number),
        }
    }

    /// A record by its number.
    pub(crate) fn get(&self, number: u64) -> Option<&Recorded> {
        match self.index(number) {
            Some(index) => self.records.get(index),
            None => self.failing.get(&number),
        }
    }

    fn index(&self, number: u64) -> Option<usize> {
        usize::try_from(number.checked_sub(self.first)?).ok()
    }

    /// A record by its sequence number, and its stream's name if that is known.
    pub(crate) fn find(&self, stream: Option<&str>, sequence_number: &str) -> Option<&Recorded> {
        let record = self.get(self.number(sequence_number)?)?;
        stream
            .is_none_or(|stream| *record.stream == *stream)
            .then_some(record)
    }

    /// The records, the newest first, with their numbers.
    pub(crate) fn newest(&self) -> impl DoubleEndedIterator<Item = (u64, &Recorded)> {
        let records = self.records.iter().enumerate();
        let records = records.map(|(index, record)| (self.first + index as u64, record));
        let failing = self
            .failing
            .iter()
            .map(|(number, record)| (*number, record));
        failing.chain(records).rev()
    }

    /// The records of these invocations, in the order of their put.
    pub(crate) fn of_invocations(&self, invocations: &HashSet<u64>) -> HashMap<u64, Vec<u64>> {
        let mut records: HashMap<_, Vec<_>> = HashMap::new();
        for (number, record) in self.newest().rev() {
            for (_, mark) in &record.marks {
                if let Mark::Invocation(invocation) = mark
                    && invocations.contains(invocation)
                {
                    records.entry(*invocation).or_default().push(number);
                }
            }
        }
        records
    }

    /// How many records are kept.
    pub(crate) fn len(&self) -> usize {
        self.records.len() + self.failing.len()
    }

    /// What they take, bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes + self.failing_bytes
    }

    /// How many changes there were.
    pub(crate) fn changes(&self) -> u64 {
        self.changes_before + self.changes.len() as u64
    }

    /// At most `most` of the records that changed after that many changes, those that
    /// changed last, and how many others there are at most.
    pub(crate) fn changed_since(&self, seen: u64, most: usize) -> (Vec<Summary>, u64) {
        let skip = usize::try_from(seen.saturating_sub(self.changes_before)).unwrap_or(0);
        let mut known = HashSet::new();
        let (mut changed, mut skipped) = (Vec::new(), 0);
        for number in self.changes.iter().skip(skip).rev() {
            if !known.insert(*number) {
                continue;
            }
            match self.get(*number) {
                Some(record) if changed.len() < most => changed.push(record.summary()),
                _ => skipped += 1,
            }
        }
        // Changes that are forgotten may have been of other records.
        (changed, skipped + self.changes_before.saturating_sub(seen))
    }
}
