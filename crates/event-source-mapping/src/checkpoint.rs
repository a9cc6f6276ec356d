//! Checkpoints: how far each shard has been processed.

use std::{
    io::{self, ErrorKind},
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use durable_files::Lock;
use time::OffsetDateTime;

pub use super::shard_state::Checkpoint;
use super::{
    journal::Journal,
    shard_state::{ShardState, ShardStates},
    window::Window,
};

/// The key of the mapping itself, which no shard has.
const MAPPING: &str = "mapping";

/// The checkpoints of one mapping. They only move forward. Clones are the same checkpoints.
#[derive(Debug, Clone, Default)]
pub struct Checkpoints(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    states: ShardStates,
    file: Option<Locked>,
}

/// The file, which no other mapping may write.
#[derive(Debug)]
struct Locked {
    journal: Journal,
    /// Until the mapping is dropped.
    lock: Option<Lock>,
}

impl Checkpoints {
    /// Checkpoints in `file`, which continue where it ends. The file is locked
    /// (`.lock` beside it) until the mapping ends.
    ///
    /// Every move is handed to the operating system at once, so it survives the
    /// end of this process, `kill -9` included. It is not forced to the disk:
    /// after a loss of power the last moves may be missing, and their records
    /// are delivered again, as "at least once" allows.
    ///
    /// # Errors
    ///
    /// Another mapping has the file locked (`ErrorKind::ResourceBusy`), or it cannot be
    /// read or written.
    pub fn open(file: &Path) -> io::Result<Self> {
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let path = file.with_extension("lock");
        let lock = Lock::take(&path)?.ok_or_else(|| {
            let text = format!("another mapping has locked {}", path.display());
            io::Error::new(ErrorKind::ResourceBusy, text)
        })?;
        let (journal, states) = Journal::open(file)?;
        let file = Locked {
            journal,
            lock: Some(lock),
        };
        let kept = Kept {
            states,
            file: Some(file),
        };
        Ok(Self(Arc::new(Mutex::new(kept))))
    }

    /// The same under the data folder `folder`, in a file named for the mapping.
    ///
    /// # Errors
    ///
    /// As [`Checkpoints::open`].
    pub fn in_folder(folder: &Path, mapping: &str) -> io::Result<Self> {
        Self::open(&file_of(folder, mapping))
    }

    /// Removes the file of [`Checkpoints::in_folder`], if there is one: the mapping was
    /// deleted.
    ///
    /// # Errors
    ///
    /// The file cannot be removed.
    pub fn remove(folder: &Path, mapping: &str) -> io::Result<()> {
        let file = file_of(folder, mapping);
        for path in [file.with_extension("lock"), file] {
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// A shard's checkpoint, once it has one.
    #[must_use]
    pub fn get(&self, shard: &str) -> Option<Checkpoint> {
        self.find(shard, |state| state.checkpoint.clone())
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

    /// When the mapping first began, and whether that is `now`: what `LATEST`
    /// means is settled once, not by every restart.
    pub(crate) fn began(&self, now: OffsetDateTime) -> (OffsetDateTime, bool) {
        if let Some(first) = self.find(MAPPING, |state| state.began) {
            return (first, false);
        }
        self.update(MAPPING, |state| {
            state.began = Some(now);
            true
        });
        (now, true)
    }

    /// When the stream that the checkpoints belong to was created, once that is known.
    pub(crate) fn stream_created(&self) -> Option<OffsetDateTime> {
        self.find(MAPPING, |state| state.stream_created)
    }

    /// The checkpoints belong to the stream that was created then.
    pub(crate) fn belong_to_stream(&self, created: OffsetDateTime) {
        self.update(MAPPING, |state| {
            state.stream_created.replace(created) != Some(created)
        });
    }

    /// Drops every shard's checkpoint and window: they were of a stream that no longer
    /// exists.
    pub(crate) fn drop_shards(&self) {
        let shards: Vec<_> = self.lock().states.keys().cloned().collect();
        for shard in shards.iter().filter(|shard| *shard != MAPPING) {
            self.update(shard, |state| {
                *state = ShardState::default();
                true
            });
        }
    }

    /// The tumbling window that a shard's next record may belong to.
    pub(crate) fn window(&self, shard: &str) -> Option<Window> {
        self.find(shard, |state| state.window.clone())
    }

    /// Moves a shard's checkpoint, and keeps the window as the records up to there have
    /// left it.
    pub(crate) fn advance_in_window(
        &self,
        shard: &str,
        sequence_number: Option<&str>,
        window: &Window,
    ) {
        self.update(shard, |state| {
            if let Some(sequence_number) = sequence_number {
                state.advance(sequence_number);
            }
            state.window = Some(window.clone());
            true
        });
    }

    /// A shard's window has had its final invocation.
    pub(crate) fn close_window(&self, shard: &str) {
        self.update(shard, |state| state.window.take().is_some());
    }

    /// Keeps the records of a shard that are settled beyond its checkpoint: concurrent
    /// batches have finished out of order.
    pub(crate) fn keep_ahead(&self, shard: &str, sequence_numbers: Vec<String>) {
        self.update(shard, |state| {
            let before = std::mem::replace(&mut state.ahead, sequence_numbers);
            before != state.ahead
        });
    }

    /// Takes what [`Checkpoints::keep_ahead`] kept. After a crash from here on, those records
    /// are delivered again.
    pub(crate) fn take_ahead(&self, shard: &str) -> Vec<String> {
        let mut ahead = Vec::new();
        self.update(shard, |state| {
            ahead = std::mem::take(&mut state.ahead);
            !ahead.is_empty()
        });
        ahead
    }

    /// A shard has been processed to its end.
    pub(crate) fn end(&self, shard: &str) {
        self.update(shard, |state| {
            state.checkpoint = Some(Checkpoint::End);
            true
        });
    }

    /// Unlocks the file for the next mapping, though something may still read these
    /// checkpoints. The tasks of a dropped mapping end at their next turn; what they
    /// settle until then is still written.
    pub(crate) fn release(&self) {
        if let Some(file) = &mut self.lock().file {
            file.lock = None;
        }
    }

    fn find<T>(&self, key: &str, look: impl FnOnce(&ShardState) -> Option<T>) -> Option<T> {
        self.lock().states.get(key).and_then(look)
    }

    /// Changes a shard's state; `change` says whether it did.
    fn update(&self, shard: &str, change: impl FnOnce(&mut ShardState) -> bool) {
        let mut kept = self.lock();
        let Kept { states, file } = &mut *kept;
        let state = states.entry(shard.to_owned()).or_default();
        if !change(state) {
            return;
        }
        if let Some(file) = file {
            file.journal.write(shard, states);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn file_of(folder: &Path, mapping: &str) -> std::path::PathBuf {
    folder.join("checkpoints").join(format!("{mapping}.jsonl"))
}

#[cfg(test)]
mod tests {
    use super::{Checkpoint, Checkpoints};
    use crate::window::Window;
    use serde_json::json;
    use std::{
        io::{ErrorKind, Write},
        time::Duration,
    };
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
        drop(before);

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
    fn a_second_mapping_on_the_same_file_is_refused_until_the_first_one_ends() {
        let folder = tempfile::tempdir().unwrap();
        let first = Checkpoints::in_folder(folder.path(), "Mapping").unwrap();
        let second = Checkpoints::in_folder(folder.path(), "Mapping").unwrap_err();
        assert_eq!(second.kind(), ErrorKind::ResourceBusy);
        assert!(second.to_string().contains("Mapping.lock"), "{second}");
        Checkpoints::in_folder(folder.path(), "Other").unwrap();

        first.release();
        let third = Checkpoints::in_folder(folder.path(), "Mapping").unwrap();
        first.advance("shardId-0", "1");
        assert_eq!(third.get("shardId-0"), None);
    }

    #[test]
    fn the_checkpoints_of_a_deleted_stream_are_dropped_in_the_file_too() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mapping.jsonl");
        let created = OffsetDateTime::UNIX_EPOCH;
        let checkpoints = Checkpoints::open(&file).unwrap();
        let (began, _) = checkpoints.began(created);
        let window = Window::around(created, Duration::from_secs(5));
        checkpoints.end("shardId-0");
        checkpoints.advance_in_window("shardId-1", Some("3"), &window);
        checkpoints.drop_shards();
        checkpoints.belong_to_stream(created);
        drop(checkpoints);

        let checkpoints = Checkpoints::open(&file).unwrap();
        assert_eq!(checkpoints.get("shardId-0"), None);
        assert_eq!(checkpoints.get("shardId-1"), None);
        assert_eq!(checkpoints.window("shardId-1"), None);
        assert_eq!(checkpoints.stream_created(), Some(created));
        assert_eq!(checkpoints.began(created), (began, false));
    }

    #[test]
    fn a_line_that_was_cut_off_is_skipped() {
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
