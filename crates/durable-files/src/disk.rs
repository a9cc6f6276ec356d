//! The file operations that a durable store needs.
//!
//! A trait, so that tests can put a simulated disk underneath: one that forgets, in any
//! combination, what was not flushed.

#![allow(
    clippy::missing_errors_doc,
    reason = "every operation fails with what the operating system reports"
)]

use std::{
    fmt::Debug,
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::Path,
    sync::Arc,
};

use crate::Lock;

/// Bytes after which a log continues in a new file.
const SEGMENT: u64 = 8 * 1024 * 1024;

/// A tree of folders and files.
///
/// Nothing survives a power failure unless it was flushed: a file's bytes by
/// [`DiskFile::sync`], its name by [`Disk::sync_folder`] on the folder that holds it.
pub trait Disk: Debug + Send + Sync + 'static {
    /// Creates a folder inside an existing one.
    fn create_folder(&self, path: &Path) -> io::Result<()>;
    /// Creates a folder and the missing ones above it.
    fn create_folders(&self, path: &Path) -> io::Result<()>;
    /// The names in a folder, in any order.
    fn list(&self, folder: &Path) -> io::Result<Vec<String>>;
    /// The whole content of a file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// Opens a file for appending, and creates it if it is missing.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;
    /// Renames a file or a folder inside its folder; a file replaces another.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Deletes a file.
    fn remove_file(&self, path: &Path) -> io::Result<()>;
    /// Deletes a folder with all that it holds.
    fn remove_folder(&self, path: &Path) -> io::Result<()>;
    /// Makes the names in a folder survive a power failure.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;
    /// Bytes after which a log continues in a new file.
    fn segment_bytes(&self) -> u64 {
        SEGMENT
    }
    /// Locks a file; `None` if another holds the lock, in this process or another.
    fn lock(&self, path: &Path) -> io::Result<Option<Lock>>;
}

/// An open file. Writes go to its end.
pub trait DiskFile: Debug + Send + Sync {
    /// Appends all of `bytes`; a failure may leave some of them in the file.
    fn append(&self, bytes: &[u8]) -> io::Result<()>;
    /// Cuts the file to `length` bytes.
    fn set_length(&self, length: u64) -> io::Result<()>;
    /// Makes the file's bytes survive a power failure.
    fn sync(&self) -> io::Result<()>;
}

/// The operating system's disk.
#[derive(Debug)]
pub struct SystemDisk;

impl Disk for SystemDisk {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        fs::create_dir(path)
    }

    fn create_folders(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let names = fs::read_dir(folder)?.map(|entry| Ok::<_, io::Error>(entry?.file_name()));
        let names = names.filter_map(|name| name.map(|name| name.into_string().ok()).transpose());
        names.collect()
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Arc::new(file))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir_all(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        // Only Unix opens a folder as a file.
        if cfg!(unix) {
            File::open(path)?.sync_all()?;
        }
        Ok(())
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Lock>> {
        Lock::take(path)
    }
}

impl DiskFile for File {
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        (&*self).write_all(bytes)
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}
