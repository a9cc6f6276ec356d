//! A lock file: the operating system unlocks it when the process ends, however it ends.

use std::{
    fs::{File, TryLockError},
    io::{self, ErrorKind},
    path::Path,
};

/// A locked file; dropping it unlocks it.
#[derive(Debug)]
pub(super) struct FileLock {
    _file: File,
}

impl FileLock {
    /// Locks the file at `path`, which is created where it does not exist.
    ///
    /// # Errors
    ///
    /// Another process has locked it (`ErrorKind::ResourceBusy`), or it cannot be written.
    pub(super) fn take(path: &Path) -> io::Result<Self> {
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let text = format!("another mapping has locked {}", path.display());
                return Err(io::Error::new(ErrorKind::ResourceBusy, text));
            }
            // A file system without locks: nothing to hold, as before.
            Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
        Ok(Self { _file: file })
    }
}
