//! A limit on open files: a shard that is not written to gives its file up to others.

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::Mutex;

use durable_files::{Disk, DiskFile};

/// Files that all logs together keep open. macOS allows a process 256 by default.
const MAX_OPEN: usize = 128;

/// The open files of all logs.
#[derive(Debug)]
pub(crate) struct OpenFiles {
    disk: Arc<dyn Disk>,
    slots: Mutex<Vec<Weak<Slot>>>,
}

/// Where one log keeps its open file.
///
/// A put to an open file touches this alone, and nothing that other shards share.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    file: Mutex<Option<Arc<dyn DiskFile>>>,
    /// Set by each use, cleared by each look for a file to close.
    used: AtomicBool,
}

impl OpenFiles {
    /// No open files yet.
    pub(crate) fn new(disk: Arc<dyn Disk>) -> Arc<Self> {
        Arc::new(Self {
            disk,
            slots: Mutex::default(),
        })
    }

    /// The disk that the files are on.
    pub(crate) fn disk(&self) -> &dyn Disk {
        &*self.disk
    }

    /// The file in `slot`; if it is not open, the one at `path`.
    ///
    /// # Errors
    ///
    /// The file cannot be opened.
    pub(crate) fn get(
        &self,
        slot: &Arc<Slot>,
        path: impl FnOnce() -> PathBuf,
    ) -> io::Result<Arc<dyn DiskFile>> {
        slot.used.store(true, Ordering::Relaxed);
        if let Some(file) = &*slot.file.lock() {
            return Ok(Arc::clone(file));
        }
        let mut slots = self.slots.lock();
        make_room(&mut slots);
        let file = self.disk.open(&path())?;
        *slot.file.lock() = Some(Arc::clone(&file));
        slots.push(Arc::downgrade(slot));
        Ok(file)
    }
}

/// Closes files that were not used since the last look, until one more may open.
fn make_room(slots: &mut Vec<Weak<Slot>>) {
    slots.retain(|slot| slot.upgrade().is_some_and(|slot| slot.is_open()));
    // The second round finds every file unused that the first one looked at.
    for _ in 0..2 {
        if slots.len() < MAX_OPEN {
            return;
        }
        let mut excess = slots.len() + 1 - MAX_OPEN;
        slots.retain(|slot| {
            let Some(slot) = slot.upgrade() else {
                return false;
            };
            let recent = slot.used.swap(false, Ordering::Relaxed);
            if excess == 0 || recent {
                return true;
            }
            excess -= 1;
            slot.close();
            false
        });
    }
}

impl Slot {
    /// Closes the file, once those who write to it or flush it have finished.
    pub(crate) fn close(&self) {
        self.file.lock().take();
    }

    fn is_open(&self) -> bool {
        self.file.lock().is_some()
    }
}
