//! How far each shard has been processed.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{journal::Journal, sequence_number::is_later, window::Window};

/// How far a shard has been processed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Checkpoint {
    /// All records up to the one of this sequence number.
    After(String),
    /// All records; the shard is closed.
    End,
}

/// What is known of one shard.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct ShardState {
    checkpoint: Option<Checkpoint>,
    /// The tumbling window that the next record may belong to. It stands with
    /// the checkpoint, so that no record is counted twice or not at all.
    window: Option<Window>,
    /// Of the mapping as a whole, under [`MAPPING`]: when it first began.
    #[serde(
        default,
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    began: Option<OffsetDateTime>,
}

/// The key of the mapping itself, which no shard has.
const MAPPING: &str = "mapping";

/// Each shard's state, by the shard's id.
pub(super) type ShardStates = BTreeMap<String, ShardState>;

/// The checkpoints of one mapping. They only move forward.
#[derive(Debug, Default)]
pub struct Checkpoints(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    states: ShardStates,
    journal: Option<Journal>,
}

impl Checkpoints {
    /// Checkpoints that are kept in `file`, and go on where it ends.
    ///
    /// Every move is handed to the operating system at once, so it survives the
    /// end of this process, `kill -9` included. It is not forced to the disk:
    /// after a loss of power the last moves may be missing, and their records
    /// are delivered again, as "at least once" allows.
    ///
    /// # Errors
    ///
    /// The file cannot be read or written.
    pub fn open(file: &Path) -> std::io::Result<Self> {
        let (journal, states) = Journal::open(file)?;
        Ok(Self(Mutex::new(Kept {
            states,
            journal: Some(journal),
        })))
    }

    /// The same under the data folder `folder`, in a file named for the mapping.
    ///
    /// # Errors
    ///
    /// The file cannot be read or written.
    pub fn in_folder(folder: &Path, mapping: &str) -> std::io::Result<Self> {
        Self::open(&folder.join("checkpoints").join(format!("{mapping}.jsonl")))
    }

    /// When the mapping first began, and whether that is `now`: what `LATEST`
    /// means is settled once, not by every restart.
    pub fn began(&self, now: OffsetDateTime) -> (OffsetDateTime, bool) {
        let first = self
            .lock()
            .states
            .get(MAPPING)
            .and_then(|state| state.began);
        if let Some(first) = first {
            return (first, false);
        }
        self.update(MAPPING, |state| {
            state.began = Some(now);
            true
        });
        (now, true)
    }

    /// A shard's checkpoint, once it has one.
    #[must_use]
    pub fn get(&self, shard: &str) -> Option<Checkpoint> {
        let kept = self.lock();
        kept.states
            .get(shard)
            .and_then(|state| state.checkpoint.clone())
    }

    /// The window that a shard's next record may belong to.
    #[must_use]
    pub fn window(&self, shard: &str) -> Option<Window> {
        let kept = self.lock();
        kept.states
            .get(shard)
            .and_then(|state| state.window.clone())
    }

    /// Whether a shard has been processed to its end.
    #[must_use]
    pub fn has_ended(&self, shard: &str) -> bool {
        self.get(shard) == Some(Checkpoint::End)
    }

    /// Moves a shard's checkpoint to behind `sequence_number`, unless it is
    /// there or further already.
    pub fn advance(&self, shard: &str, sequence_number: &str) {
        self.update(shard, |state| state.advance(sequence_number));
    }

    /// The same with the window as the records up to there have left it.
    pub fn advance_in_window(&self, shard: &str, sequence_number: Option<&str>, window: &Window) {
        self.update(shard, |state| {
            if let Some(sequence_number) = sequence_number {
                state.advance(sequence_number);
            }
            state.window = Some(window.clone());
            true
        });
    }

    /// Says that a shard's window has had its final invocation.
    pub fn close_window(&self, shard: &str) {
        self.update(shard, |state| state.window.take().is_some());
    }

    /// Says that a shard has been processed to its end.
    pub fn end(&self, shard: &str) {
        self.update(shard, |state| {
            state.checkpoint = Some(Checkpoint::End);
            true
        });
    }

    /// Changes a shard's state; `change` says whether it did.
    fn update(&self, shard: &str, change: impl FnOnce(&mut ShardState) -> bool) {
        let mut kept = self.lock();
        let Kept { states, journal } = &mut *kept;
        let state = states.entry(shard.to_owned()).or_default();
        if !change(state) {
            return;
        }
        if let Some(journal) = journal {
            journal.write(shard, states);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ShardState {
    fn advance(&mut self, sequence_number: &str) -> bool {
        let forward = match &self.checkpoint {
            None => true,
            Some(Checkpoint::After(current)) => is_later(sequence_number, current),
            Some(Checkpoint::End) => false,
        };
        if forward {
            self.checkpoint = Some(Checkpoint::After(sequence_number.to_owned()));
        }
        forward
    }
}

#[cfg(test)]
mod tests {
    use super::{Checkpoint, Checkpoints};
    use crate::window::Window;
    use serde_json::json;
    use std::{io::Write, time::Duration};
    use time::OffsetDateTime;

    #[test]
    fn a_checkpoint_only_moves_forward() {
        let checkpoints = Checkpoints::default();
        for number in ["99", "100", "98", "7"] {
            checkpoints.advance("shardId-0", number);
        }
        assert_eq!(
            checkpoints.get("shardId-0"),
            Some(Checkpoint::After("100".into()))
        );
        checkpoints.end("shardId-0");
        checkpoints.advance("shardId-0", "101");
        assert!(checkpoints.has_ended("shardId-0"));
    }

    #[test]
    fn checkpoints_in_a_file_are_there_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("checkpoints/mapping.jsonl");
        let mut window = Window::around(OffsetDateTime::UNIX_EPOCH, Duration::from_secs(5));
        window.state = json!({ "sum": 7 });
        let before = Checkpoints::open(&file).unwrap();
        before.advance("shardId-0", "1");
        before.advance("shardId-0", "2");
        before.end("shardId-1");
        before.advance_in_window("shardId-2", Some("3"), &window);
        // As after `kill -9`: nothing is closed or flushed.
        std::mem::forget(before);

        let after = Checkpoints::open(&file).unwrap();
        let second = Some(Checkpoint::After("2".into()));
        assert_eq!(after.get("shardId-0"), second);
        assert!(after.has_ended("shardId-1"));
        assert_eq!(after.window("shardId-2"), Some(window));
        after.close_window("shardId-2");
        drop(after);
        assert_eq!(Checkpoints::open(&file).unwrap().window("shardId-2"), None);
    }

    #[test]
    fn a_line_that_was_cut_off_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mapping.jsonl");
        Checkpoints::open(&file).unwrap().advance("shardId-0", "1");
        let mut tail = std::fs::File::options().append(true).open(&file).unwrap();
        tail.write_all(b"{\"shardId-0\":{\"checkp").unwrap();
        let checkpoints = Checkpoints::open(&file).unwrap();
        checkpoints.advance("shardId-0", "2");
        drop(checkpoints);
        assert_eq!(
            Checkpoints::open(&file).unwrap().get("shardId-0"),
            Some(Checkpoint::After("2".into()))
        );
    }

    #[test]
    fn the_file_stays_small_however_often_a_checkpoint_moves() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mapping.jsonl");
        let checkpoints = Checkpoints::open(&file).unwrap();
        for number in 0..50_000 {
            checkpoints.advance("shardId-000000000000", &number.to_string());
        }
        assert!(file.metadata().unwrap().len() < 2 * 1024 * 1024);
        drop(checkpoints);
        assert_eq!(
            Checkpoints::open(&file)
                .unwrap()
                .get("shardId-000000000000"),
            Some(Checkpoint::After("49999".into()))
        );
    }
}
