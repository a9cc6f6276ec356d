//! The low watermark of a shard: the last record before which all are processed, while
//! concurrent batches finish out of order. The checkpoint follows it.

use std::collections::VecDeque;

/// The records of a shard that are beyond the checkpoint, in order.
#[derive(Debug, Default)]
pub(crate) struct LowWatermark {
    /// The ordinal of the first record that waits.
    first: u64,
    waiting: VecDeque<Entry>,
}

#[derive(Debug)]
struct Entry {
    sequence_number: String,
    done: bool,
}

impl LowWatermark {
    /// Adds the next record and returns its ordinal.
    pub(crate) fn add(&mut self, sequence_number: &str) -> u64 {
        let ordinal = self.first + self.waiting.len() as u64;
        self.waiting.push_back(Entry {
            sequence_number: sequence_number.to_owned(),
            done: false,
        });
        ordinal
    }

    /// The record at this ordinal is processed or discarded.
    pub(crate) fn finish(&mut self, ordinal: u64) {
        let index = ordinal
            .checked_sub(self.first)
            .and_then(|index| usize::try_from(index).ok());
        if let Some(entry) = index.and_then(|index| self.waiting.get_mut(index)) {
            entry.done = true;
        }
    }

    /// Removes the records before the first unfinished one, and returns the sequence
    /// number of the last of them: the checkpoint may move there.
    pub(crate) fn advance(&mut self) -> Option<String> {
        let mut last = None;
        while let Some(entry) = self.waiting.pop_front_if(|entry| entry.done) {
            self.first += 1;
            last = Some(entry.sequence_number);
        }
        last
    }

    /// The sequence numbers of the records beyond the first unfinished one that are finished.
    pub(crate) fn ahead(&self) -> Vec<String> {
        let done = self.waiting.iter().filter(|entry| entry.done);
        done.map(|entry| entry.sequence_number.clone()).collect()
    }

    /// How many records are beyond the checkpoint.
    #[must_use]
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }
}

#[cfg(test)]
mod tests {
    use super::LowWatermark;

    #[test]
    fn the_checkpoint_never_moves_past_an_unfinished_record() {
        let mut low_watermark = LowWatermark::default();
        let ordinals: Vec<_> = ["1", "2", "3"]
            .map(|number| low_watermark.add(number))
            .into();
        low_watermark.finish(ordinals[1]);
        assert_eq!(low_watermark.advance(), None);
        low_watermark.finish(ordinals[0]);
        assert_eq!(low_watermark.advance().as_deref(), Some("2"));
        let fourth = low_watermark.add("4");
        low_watermark.finish(fourth);
        low_watermark.finish(ordinals[2]);
        low_watermark.finish(ordinals[0]);
        assert_eq!(low_watermark.advance().as_deref(), Some("4"));
        assert_eq!(low_watermark.waiting(), 0);
    }
}
