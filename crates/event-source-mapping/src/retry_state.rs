//! The rules of retrying a batch: retry attempts, maximum record age, bisect, partial
//! batch responses. No clock and no network.
//!
//! A batch is a queue of pieces, in order. Only the first is ever attempted; the records
//! before it are processed or discarded. Sources, in the Lambda developer guide: "Retain
//! discarded batch records for a Kinesis Data Streams event source in Lambda" (retries,
//! age, bisect; "Splitting batches doesn't consume the retry quota") and "Configuring
//! partial batch response with Kinesis Data Streams and Lambda" (the checkpoint is the
//! lowest reported record; with bisect the batch is split there).
//!
//! # Progress and the retry quota
//!
//! Where a partial batch response moves the checkpoint, the records from there on start
//! with the attempt that has just failed: each first failed record gets
//! `MaximumRetryAttempts` retries of its own. The guide says that Lambda "retries all
//! records starting from that checkpoint" and that failures follow the mapping's retry
//! strategy; it leaves open whether the count starts over. For bisect it is
//! clear: the split at the reported record uses up no retry. The API reference counts
//! retries of records ("Discard records after the specified number of retries").
//! With one count for the whole batch, a record that fails for the first time would be
//! discarded after others had used up the retries before it.

use std::{collections::VecDeque, ops::Range, time::Duration};

use super::settings::Settings;

/// The rules of one mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rules {
    /// Attempts after the first one; `None` has no limit.
    pub(crate) maximum_retry_attempts: Option<u32>,
    /// Older records are discarded; `None` has no limit.
    pub(crate) maximum_record_age: Option<Duration>,
    /// Split a failed batch in two.
    pub(crate) bisect: bool,
}

impl From<&Settings> for Rules {
    fn from(settings: &Settings) -> Self {
        Self {
            maximum_retry_attempts: settings.maximum_retry_attempts,
            maximum_record_age: settings.maximum_record_age,
            bisect: settings.bisect_batch_on_function_error,
        }
    }
}

/// The state of one batch.
#[derive(Debug)]
pub(crate) struct RetryState {
    rules: Rules,
    pieces: VecDeque<Piece>,
}

/// Records that are invoked together.
#[derive(Debug, Clone)]
struct Piece {
    records: Range<usize>,
    /// Retries that the failures of its first record have used up.
    retries: u32,
    /// Failed attempts in a row that the next wait grows with; a split starts over.
    failures: u32,
    /// Invocations that its records were in.
    invocations: u32,
    discarded: Option<Condition>,
}

/// The next step. Records are named by their indices in the batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Invoke the function with these records.
    Invoke(Range<usize>),
    /// Send these records to the on-failure destination; the checkpoint passes them.
    Discard(Discarded),
    /// All records are processed or discarded.
    Done,
}

/// Records that are discarded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discarded {
    /// Their indices in the batch.
    pub records: Range<usize>,
    /// Why they are discarded.
    pub condition: Condition,
    /// How many invocations they were in, approximately.
    pub invocations: u32,
}

/// Why records are discarded, in the words of AWS's invocation record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// `MaximumRetryAttempts`.
    RetryAttemptsExhausted,
    /// `MaximumRecordAgeInSeconds`.
    MaximumRecordAgeExceeded,
    /// A single record that is larger than a payload. AWS documents no word for it.
    RecordTooLarge,
}

impl Condition {
    /// `requestContext.condition`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RetryAttemptsExhausted => "RetryAttemptsExhausted",
            Self::MaximumRecordAgeExceeded => "MaximumRecordAgeExceeded",
            Self::RecordTooLarge => "RecordTooLarge",
        }
    }
}

/// The outcome of an invocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Every record is processed.
    Done,
    /// A partial batch response: the index, in the invocation, of the first record that
    /// is not processed.
    FailedFrom(usize),
    /// No record is processed.
    Failed,
    /// The invocation did not reach the function: a throttle or a service error. It uses
    /// up no retry.
    NotTaken,
    /// The payload is larger than the endpoint takes.
    TooLarge,
}

impl RetryState {
    /// A batch of `records` records before the first attempt.
    #[must_use]
    pub(crate) fn new(records: usize, rules: Rules) -> Self {
        let whole = Piece {
            records: 0..records,
            retries: 0,
            failures: 0,
            invocations: 0,
            discarded: None,
        };
        Self {
            rules,
            pieces: VecDeque::from([whole]),
        }
    }

    /// Failed attempts in a row at the records that come next: what the wait before
    /// the next attempt grows with. Zero where there is nothing to wait for: the next
    /// records have just been split off, are to be discarded, or are tried for the
    /// first time.
    #[must_use]
    pub(crate) fn failures_in_a_row(&self) -> u32 {
        self.pieces
            .front()
            .filter(|piece| piece.discarded.is_none())
            .map_or(0, |piece| piece.failures)
    }

    /// Every record before this index is processed or discarded.
    #[must_use]
    pub(crate) fn done_until(&self, records: usize) -> usize {
        self.pieces
            .front()
            .map_or(records, |piece| piece.records.start)
    }

    /// The next step, with `age` as the present age of a record.
    pub(crate) fn next(&mut self, age: impl Fn(usize) -> Duration) -> Step {
        self.pieces.pop_front_if(|piece| piece.records.is_empty());
        let Some(first) = self.pieces.front_mut() else {
            return Step::Done;
        };
        if let Some(condition) = first.discarded {
            let discarded = first.discard(first.records.clone(), condition);
            self.pieces.pop_front();
            return Step::Discard(discarded);
        }
        if let Some(oldest) = self.rules.maximum_record_age {
            let records = first.records.clone();
            // Records arrive in order, so the ones too old come first.
            let old = records
                .clone()
                .take_while(|index| age(*index) > oldest)
                .count();
            if old > 0 {
                let end = records.start + old;
                let discarded =
                    first.discard(records.start..end, Condition::MaximumRecordAgeExceeded);
                first.records.start = end;
                return Step::Discard(discarded);
            }
        }
        Step::Invoke(first.records.clone())
    }

    /// Records the outcome of the invocation that [`RetryState::next`] asked for.
    pub(crate) fn settle(&mut self, verdict: Verdict) {
        let Some(mut piece) = self.pieces.pop_front() else {
            return;
        };
        if verdict != Verdict::NotTaken {
            piece.invocations += 1;
        }
        let moved = match verdict {
            Verdict::Done => return,
            Verdict::FailedFrom(index) => {
                let index = index.min(piece.records.len());
                piece.records.start += index;
                index > 0
            }
            Verdict::Failed | Verdict::NotTaken | Verdict::TooLarge => false,
        };
        let splits = self.rules.bisect || verdict == Verdict::TooLarge;
        match verdict {
            Verdict::NotTaken => piece.failures += 1,
            // The batch is bisected at the returned sequence number, which uses up no
            // retry.
            _ if splits && moved => piece.failures = 0,
            _ if splits && piece.records.len() > 1 => {
                piece.failures = 0;
                let middle = piece.records.start + piece.records.len() / 2;
                let mut second = piece.clone();
                second.records.start = middle;
                piece.records.end = middle;
                self.pieces.push_front(second);
            }
            Verdict::TooLarge => piece.discarded = Some(Condition::RecordTooLarge),
            _ => {
                if moved {
                    // Another record is the first one now: this was its first failure.
                    (piece.retries, piece.failures) = (0, 0);
                }
                piece.retries += 1;
                piece.failures += 1;
                let exhausted = |most| piece.retries > most;
                if self.rules.maximum_retry_attempts.is_some_and(exhausted) {
                    piece.discarded = Some(Condition::RetryAttemptsExhausted);
                }
            }
        }
        self.pieces.push_front(piece);
    }
}

impl Piece {
    fn discard(&self, records: Range<usize>, condition: Condition) -> Discarded {
        Discarded {
            records,
            condition,
            invocations: self.invocations,
        }
    }
}

#[cfg(test)]
#[allow(
    clippy::single_range_in_vec_init,
    reason = "a list of one range of records is what is meant"
)]
mod tests {
    use super::{Condition, RetryState, Rules, Step, Verdict};
    use std::time::Duration;

    const ENDLESS: Rules = Rules {
        maximum_retry_attempts: None,
        maximum_record_age: None,
        bisect: false,
    };

    fn young(_: usize) -> Duration {
        Duration::ZERO
    }

    /// Invokes a function, which fails whenever it gets the record `poison`, with ten
    /// records. Returns the discarded ranges and the number of invocations.
    fn invoke(rules: Rules, poison: usize, partial: bool) -> (Vec<std::ops::Range<usize>>, u32) {
        let mut retry_state = RetryState::new(10, rules);
        let (mut discarded, mut calls) = (Vec::new(), 0);
        loop {
            match retry_state.next(young) {
                Step::Done => return (discarded, calls),
                Step::Discard(gone) => discarded.push(gone.records),
                Step::Invoke(records) => {
                    calls += 1;
                    assert!(calls < 1000, "it never ends");
                    retry_state.settle(match records.contains(&poison) {
                        false => Verdict::Done,
                        true if partial => Verdict::FailedFrom(poison - records.start),
                        true => Verdict::Failed,
                    });
                }
            }
        }
    }

    #[test]
    fn a_batch_is_discarded_when_its_retries_are_exhausted() {
        let rules = Rules {
            maximum_retry_attempts: Some(2),
            ..ENDLESS
        };
        assert_eq!(invoke(rules, 4, false), (Vec::from([0..10]), 3));
    }

    #[test]
    fn a_partial_batch_response_discards_only_from_the_failed_record_on() {
        let rules = Rules {
            maximum_retry_attempts: Some(2),
            ..ENDLESS
        };
        let (discarded, _) = invoke(rules, 4, true);
        assert_eq!(discarded, [4..10]);
    }

    #[test]
    fn bisecting_discards_the_poison_record_alone() {
        for partial in [false, true] {
            let rules = Rules {
                maximum_retry_attempts: Some(1),
                bisect: true,
                ..ENDLESS
            };
            for poison in 0..10 {
                let (discarded, _) = invoke(rules, poison, partial);
                assert_eq!(discarded, [poison..poison + 1], "partial: {partial}");
            }
        }
    }

    #[test]
    fn a_throttled_invocation_uses_up_no_retry() {
        let rules = Rules {
            maximum_retry_attempts: Some(0),
            ..ENDLESS
        };
        let mut retry_state = RetryState::new(1, rules);
        for _ in 0..100 {
            assert_eq!(retry_state.next(young), Step::Invoke(0..1));
            retry_state.settle(Verdict::NotTaken);
        }
        assert_eq!(retry_state.failures_in_a_row(), 100);
        assert_eq!(retry_state.next(young), Step::Invoke(0..1));
        retry_state.settle(Verdict::Done);
        assert_eq!(retry_state.next(young), Step::Done);
    }

    #[test]
    fn progress_through_partial_batch_responses_uses_up_no_retry_of_the_next_record() {
        let rules = Rules {
            maximum_retry_attempts: Some(2),
            ..ENDLESS
        };
        // Every record fails twice and then succeeds, within its own two retries.
        let mut failures = [2_u32; 10];
        let mut retry_state = RetryState::new(failures.len(), rules);
        loop {
            match retry_state.next(young) {
                Step::Done => break,
                Step::Discard(gone) => panic!("discarded {gone:?}"),
                Step::Invoke(records) => {
                    let failing = records.clone().find(|record| failures[*record] > 0);
                    retry_state.settle(match failing {
                        None => Verdict::Done,
                        Some(record) => {
                            failures[record] -= 1;
                            Verdict::FailedFrom(record - records.start)
                        }
                    });
                }
            }
        }
        assert_eq!(failures, [0; 10]);
    }

    #[test]
    fn without_retries_a_partial_batch_response_discards_the_failed_record_at_once() {
        let rules = Rules {
            maximum_retry_attempts: Some(0),
            ..ENDLESS
        };
        assert_eq!(invoke(rules, 4, true), (Vec::from([4..10]), 1));
    }

    #[test]
    fn a_split_waits_for_nothing_and_a_retry_waits_longer_each_time() {
        let rules = Rules {
            maximum_retry_attempts: Some(2),
            bisect: true,
            ..ENDLESS
        };
        let mut retry_state = RetryState::new(2, rules);
        let mut waits = Vec::new();
        loop {
            match retry_state.next(young) {
                Step::Done => break,
                Step::Discard(_) => {}
                Step::Invoke(_) => {
                    retry_state.settle(Verdict::Failed);
                    waits.push(retry_state.failures_in_a_row());
                }
            }
        }
        assert_eq!(waits, [0, 1, 2, 0, 1, 2, 0], "the split, then each record");
    }

    #[test]
    fn records_past_the_maximum_age_are_discarded_and_the_younger_ones_are_invoked() {
        let rules = Rules {
            maximum_record_age: Some(Duration::from_mins(1)),
            ..ENDLESS
        };
        let mut retry_state = RetryState::new(3, rules);
        let age = |index| Duration::from_secs(if index < 2 { 61 } else { 60 });
        let Step::Discard(gone) = retry_state.next(age) else {
            panic!("the old records were not discarded");
        };
        assert_eq!(gone.records, 0..2);
        assert_eq!(gone.condition, Condition::MaximumRecordAgeExceeded);
        assert_eq!(retry_state.next(age), Step::Invoke(2..3));
    }

    #[test]
    fn a_record_too_large_for_any_payload_is_discarded_alone() {
        let mut retry_state = RetryState::new(4, ENDLESS);
        let mut discarded = Vec::new();
        loop {
            match retry_state.next(young) {
                Step::Done => break,
                Step::Discard(gone) => discarded.push((gone.records, gone.condition)),
                Step::Invoke(records) => retry_state.settle(if records.contains(&2) {
                    Verdict::TooLarge
                } else {
                    Verdict::Done
                }),
            }
        }
        assert_eq!(discarded, [(2..3, Condition::RecordTooLarge)]);
    }
}
