//! Waiting for the disk, together.

use std::{
    fs::File,
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::Mutex;

/// How much of a shard's log has been written, and how much is on the disk.
#[derive(Debug)]
pub struct Progress {
    /// The segment being written.
    file: parking_lot::Mutex<Arc<File>>,
    /// Bytes ever handed to the system.
    written: AtomicU64,
    /// Bytes known to be on the disk.
    synced: AtomicU64,
    /// Held by the one who flushes; those who wait for it find their work done.
    flushing: Mutex<()>,
}

/// A promise to wait until a write is on the disk.
#[derive(Debug)]
pub struct Commit {
    progress: Arc<Progress>,
    position: u64,
}

impl Progress {
    /// Nothing written yet to `file`.
    pub fn new(file: Arc<File>) -> Arc<Self> {
        Arc::new(Self {
            file: parking_lot::Mutex::new(file),
            written: AtomicU64::new(0),
            synced: AtomicU64::new(0),
            flushing: Mutex::new(()),
        })
    }

    /// Notes that `bytes` more were written; the commit waits for them.
    pub fn wrote(self: &Arc<Self>, bytes: usize) -> Commit {
        let position = self.written.fetch_add(bytes as u64, Ordering::AcqRel) + bytes as u64;
        Commit {
            progress: Arc::clone(self),
            position,
        }
    }

    /// Goes on in `file`; everything before is on the disk already.
    pub fn switch(&self, file: Arc<File>) {
        *self.file.lock() = file;
    }
}

impl Commit {
    /// Waits until the write is on the disk. The first to get here flushes for
    /// all who have written by then.
    ///
    /// # Errors
    ///
    /// What the system says about the flush.
    pub async fn wait(self) -> io::Result<()> {
        let Self { progress, position } = self;
        let _flushing = progress.flushing.lock().await;
        if progress.synced.load(Ordering::Acquire) >= position {
            return Ok(());
        }
        let reached = progress.written.load(Ordering::Acquire);
        let file = Arc::clone(&progress.file.lock());
        tokio::task::spawn_blocking(move || file.sync_data())
            .await
            .map_err(io::Error::other)??;
        progress.synced.fetch_max(reached, Ordering::AcqRel);
        Ok(())
    }
}
