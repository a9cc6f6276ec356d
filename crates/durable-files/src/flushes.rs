//! Waiting for the disk, together.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use tokio::sync::Mutex;

use crate::DiskFile;

/// How much of a log has been written, and how much of that is flushed.
#[derive(Debug, Default)]
pub struct Flushes {
    /// The file with bytes to flush.
    file: parking_lot::Mutex<Option<Arc<dyn DiskFile>>>,
    /// Bytes written since the log was opened.
    written: AtomicU64,
    /// How many of them are flushed.
    flushed: AtomicU64,
    /// A flush failed. The operating system may have dropped those bytes and reports
    /// the failure once: a later flush that succeeds says nothing about them.
    failed: AtomicBool,
    /// Held by the caller that flushes; those that wait for it find their bytes flushed.
    flushing: Mutex<()>,
}

/// A write that is not flushed yet.
#[derive(Debug)]
pub struct Commit {
    flushes: Arc<Flushes>,
    /// The write's end, in bytes written since the log was opened.
    end: u64,
}

impl Flushes {
    /// Counts `bytes` more in `file`; the commit waits for them.
    pub fn wrote(self: &Arc<Self>, file: &Arc<dyn DiskFile>, bytes: u64) -> Commit {
        // Under the lock, so that a flush that ends now does not put the file away.
        let mut pending = self.file.lock();
        *pending = Some(Arc::clone(file));
        let end = self.written.fetch_add(bytes, Ordering::AcqRel) + bytes;
        Commit {
            flushes: Arc::clone(self),
            end,
        }
    }

    /// Bytes written since the log was opened.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Acquire)
    }

    /// How many of them are flushed.
    #[must_use]
    pub fn flushed(&self) -> u64 {
        self.flushed.load(Ordering::Acquire)
    }

    /// Flushes everything that is written. The caller keeps writers out.
    ///
    /// # Errors
    ///
    /// The flush fails, or an earlier one did.
    pub fn flush(&self) -> io::Result<()> {
        self.check()?;
        let (file, written) = {
            let file = self.file.lock();
            (file.clone(), self.written())
        };
        if let Some(file) = file {
            self.note(file.sync(), written)?;
        }
        Ok(())
    }

    /// # Errors
    ///
    /// A flush has failed since the log was opened.
    pub fn check(&self) -> io::Result<()> {
        if self.failed.load(Ordering::Acquire) {
            return Err(io::Error::other(
                "an earlier flush failed; restart to continue from what the disk holds",
            ));
        }
        Ok(())
    }

    /// Records that everything up to `written` was flushed, or was not.
    fn note(&self, flushed: io::Result<()>, written: u64) -> io::Result<()> {
        if let Err(error) = flushed {
            self.failed.store(true, Ordering::Release);
            return Err(error);
        }
        self.flushed.fetch_max(written, Ordering::AcqRel);
        // An idle log must not keep its file open.
        let mut file = self.file.lock();
        if self.written() == written {
            file.take();
        }
        Ok(())
    }
}

impl Commit {
    /// Waits until the write is flushed. The first caller flushes for all that have
    /// written by then.
    ///
    /// # Errors
    ///
    /// The flush fails, or one before it did.
    pub async fn wait(self) -> io::Result<()> {
        let Self { flushes, end } = self;
        let _flushing = flushes.flushing.lock().await;
        if flushes.flushed() >= end {
            return Ok(());
        }
        flushes.check()?;
        let flushing = Arc::clone(&flushes);
        tokio::task::spawn_blocking(move || flushing.flush())
            .await
            .map_err(io::Error::other)?
    }
}
