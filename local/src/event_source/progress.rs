//! What of a shard is done while several batches of it are under way.

use std::collections::VecDeque;

/// The records of a shard that have been read and are not all done, in order.
#[derive(Debug, Default)]
pub struct Progress {
    /// The place of the first record that waits.
    first: u64,
    waiting: VecDeque<Entry>,
}

#[derive(Debug)]
struct Entry {
    sequence_number: String,
    done: bool,
}

impl Progress {
    /// Adds the next record and says its place.
    pub fn add(&mut self, sequence_number: &str) -> u64 {
        let place = self.first + self.waiting.len() as u64;
        self.waiting.push_back(Entry {
            sequence_number: sequence_number.to_owned(),
            done: false,
        });
        place
    }

    /// Says that the record at this place is dealt with.
    pub fn finish(&mut self, place: u64) {
        let index = place
            .checked_sub(self.first)
            .and_then(|index| usize::try_from(index).ok());
        if let Some(entry) = index.and_then(|index| self.waiting.get_mut(index)) {
            entry.done = true;
        }
    }

    /// Takes the records off before which every one is done, and gives the last
    /// one's sequence number: where the checkpoint may move.
    pub fn advance(&mut self) -> Option<String> {
        let mut last = None;
        while let Some(entry) = self.waiting.pop_front_if(|entry| entry.done) {
            self.first += 1;
            last = Some(entry.sequence_number);
        }
        last
    }

    /// How many records there are behind the checkpoint.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }
}

#[cfg(test)]
mod tests {
    use super::Progress;

    #[test]
    fn the_checkpoint_moves_only_past_records_before_which_all_is_done() {
        let mut progress = Progress::default();
        let places: Vec<_> = ["1", "2", "3"].map(|number| progress.add(number)).into();
        progress.finish(places[1]);
        assert_eq!(progress.advance(), None);
        progress.finish(places[0]);
        assert_eq!(progress.advance().as_deref(), Some("2"));
        let fourth = progress.add("4");
        progress.finish(fourth);
        progress.finish(places[2]);
        progress.finish(places[0]);
        assert_eq!(progress.advance().as_deref(), Some("4"));
        assert_eq!(progress.waiting(), 0);
    }
}
