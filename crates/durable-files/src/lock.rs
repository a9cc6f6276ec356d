//! A lock file: the operating system unlocks it when the process ends, however it ends.

use std::{
    fs::{File, TryLockError},
    io::{self, ErrorKind},
    path::Path,
    thread,
    time::{Duration, Instant},
};

/// How long the lock of a process that is being started can outlive its file here.
const PATIENCE: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(5);

/// Holds a lock until it is dropped.
#[derive(Debug)]
pub struct Lock {
    /// None where nothing can be locked, or need be.
    _file: Option<File>,
}

impl Lock {
    /// Locks the file at `path`, which is created where it does not exist. `None` if
    /// another holds the lock, in this process or another. On a file system without locks
    /// the lock holds nothing.
    ///
    /// A lock that this process has dropped can be held for some milliseconds yet: a child
    /// process has its parent's open files from its fork to its exec. So this call blocks
    /// for up to a second before it says that another holds the lock.
    ///
    /// # Errors
    ///
    /// The file cannot be opened or locked.
    pub fn take(path: &Path) -> io::Result<Option<Self>> {
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)?;
        let begun = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Some(Self { _file: Some(file) })),
                Err(TryLockError::WouldBlock) if begun.elapsed() < PATIENCE => {
                    thread::sleep(PAUSE);
                }
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {
                    return Ok(Some(Self::unshared()));
                }
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }

    /// A lock on a disk that no other process can see.
    #[must_use]
    pub fn unshared() -> Self {
        Self { _file: None }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        process::Command,
        sync::atomic::{AtomicBool, Ordering},
    };

    use super::*;

    #[test]
    fn a_lock_has_one_holder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let first = Lock::take(&path).unwrap();
        assert!(first.is_some());
        assert!(Lock::take(&path).unwrap().is_none());
        drop(first);
        assert!(Lock::take(&path).unwrap().is_some());
    }

    #[test]
    fn a_dropped_lock_is_free_while_processes_are_started() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !done.load(Ordering::Relaxed) {
                        Command::new("true").status().unwrap();
                    }
                });
            }
            let free = (0..300).all(|_| Lock::take(&path).unwrap().is_some());
            done.store(true, Ordering::Relaxed);
            assert!(free);
        });
    }
}
