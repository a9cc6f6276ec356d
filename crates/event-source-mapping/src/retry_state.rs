//! What becomes of a batch: the rules of retrying, without any clock or network.
//!
//! A batch is a queue of pieces, in order. Only the first is ever tried; what
//! is before it is done. (Lambda developer guide, "Using Lambda to process
//! records from Amazon Kinesis Data Streams", and "Configuring error handling".)

use std::{collections::VecDeque, ops::Range, time::Duration};

use super::settings::Settings;

/// The rules of one mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Tries after the first one; none is without limit.
    pub maximum_retry_attempts: Option<u32>,
    /// Older records are given up; none is without limit.
    pub maximum_record_age: Option<Duration>,
    /// Halve a batch that failed.
    pub bisect: bool,
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

/// A batch on its way.
#[derive(Debug)]
pub struct RetryState {
    rules: Rules,
    pieces: VecDeque<Piece>,
}

/// Records that are tried together.
#[derive(Debug, Clone)]
struct Piece {
    records: Range<usize>,
    /// Retries that its failures have used up.
    retries: u32,
    /// Failed attempts in a row that the next wait grows with; a split starts over.
    failures: u32,
    /// Times that its records were in an invocation.
    invocations: u32,
    discarded: Option<Condition>,
}

/// What to do next. Records are named by their indices in the batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Invoke the function with these.
    Invoke(Range<usize>),
    /// Send these to the failure destination; they count as dealt with.
    Discard(Discarded),
    /// All are dealt with.
    Done,
}

/// Records that are given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discarded {
    /// Their indices in the batch.
    pub records: Range<usize>,
    /// Why.
    pub condition: Condition,
    /// How often they were tried, about.
    pub invocations: u32,
}

/// Why records are given up, in the words of AWS's failure document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// `MaximumRetryAttempts`.
    RetryAttemptsExhausted,
    /// `MaximumRecordAgeInSeconds`.
    MaximumRecordAgeExceeded,
    /// One record that no payload can hold. AWS documents no word for it.
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

/// How an invocation went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Every record is done.
    Done,
    /// The function named the first record that is not done, counted from the
    /// first record of the invocation.
    FailedFrom(usize),
    /// No record is done.
    Failed,
    /// The function was never run: throttled, or its endpoint is down. No
    /// retry is used up.
    NotTaken,
    /// The payload is larger than the endpoint takes.
    TooLarge,
}

impl RetryState {
    /// A batch of `records` records, none of them tried.
    #[must_use]
    pub fn new(records: usize, rules: Rules) -> Self {
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
    pub fn failures_in_a_row(&self) -> u32 {
        self.pieces
            .front()
            .filter(|piece| piece.discarded.is_none())
            .map_or(0, |piece| piece.failures)
    }

    /// Every record before this index is dealt with.
    #[must_use]
    pub fn done_until(&self, records: usize) -> usize {
        self.pieces
            .front()
            .map_or(records, |piece| piece.records.start)
    }

    /// What to do next, `age` being how old a record is by now.
    pub fn next(&mut self, age: impl Fn(usize) -> Duration) -> Step {
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

    /// Takes note of how the invocation that [`RetryState::next`] asked for went.
    pub fn settle(&mut self, verdict: Verdict) {
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
            // The split is at the returned sequence number; what is left is the
            // next batch, and no retry is used up.
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
                piece.retries += 1;
                piece.failures = if moved { 1 } else { piece.failures + 1 };
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

    /// Delivers ten records to a function that fails whenever it gets the
    /// record `poison`, and says where it ended up and how often it was called.
    fn deliver(rules: Rules, poison: usize, partial: bool) -> (Vec<std::ops::Range<usize>>, u32) {
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
    fn a_batch_is_retried_as_often_as_allowed_and_then_given_up() {
        let rules = Rules {
            maximum_retry_attempts: Some(2),
            ..ENDLESS
        };
        assert_eq!(deliver(rules, 4, false), (Vec::from([0..10]), 3));
    }

    #[test]
    fn a_partial_response_gives_up_only_from_the_failed_record_on() {
        let rules = Rules {
            maximum_retry_attempts: Some(2),
            ..ENDLESS
        };
        let (discarded, _) = deliver(rules, 4, true);
        assert_eq!(discarded, [4..10]);
    }

    #[test]
    fn bisecting_gives_up_the_poison_record_alone() {
        for partial in [false, true] {
            let rules = Rules {
                maximum_retry_attempts: Some(1),
                bisect: true,
                ..ENDLESS
            };
            for poison in 0..10 {
                let (discarded, _) = deliver(rules, poison, partial);
                assert_eq!(discarded, [poison..poison + 1], "partial: {partial}");
            }
        }
    }

    #[test]
    fn an_invocation_that_was_not_taken_uses_up_no_retry() {
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
    fn records_past_their_age_are_given_up_and_the_younger_ones_go_on() {
        let rules = Rules {
            maximum_record_age: Some(Duration::from_mins(1)),
            ..ENDLESS
        };
        let mut retry_state = RetryState::new(3, rules);
        let age = |index| Duration::from_secs(if index < 2 { 61 } else { 60 });
        let Step::Discard(gone) = retry_state.next(age) else {
            panic!("expected the old records to be given up");
        };
        assert_eq!(gone.records, 0..2);
        assert_eq!(gone.condition, Condition::MaximumRecordAgeExceeded);
        assert_eq!(retry_state.next(age), Step::Invoke(2..3));
    }

    #[test]
    fn a_record_too_large_for_any_payload_is_given_up_alone() {
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
