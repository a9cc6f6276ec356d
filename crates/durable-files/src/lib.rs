//! Files that survive what they promise to survive: a kill, or a power failure too.
//!
//! [`Disk`] is a tree of folders and files, [`SystemDisk`] the operating system's. An
//! append-only log tells [`Flushes`] what it has written, and hands the [`Commit`] to
//! whoever has to wait: those that wait at the same time share one flush.
//! [`SimulatedDisk`] is a disk in memory that forgets, in any combination, what was not
//! flushed. A test opens its store on it, cuts the power at any operation, and looks at
//! what is left.
//!
//! The crate knows no format: what the bytes mean is its caller's.
//!
//! ```
//! use std::{path::Path, sync::Arc};
//!
//! use durable_files::{Disk, DiskFile, Flushes, SimulatedDisk};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let disk = SimulatedDisk::default();
//! let path = Path::new("log");
//! let file: Arc<dyn DiskFile> = disk.open(path).unwrap();
//! // A new file's name has to be flushed too.
//! disk.sync_folder(Path::new("")).unwrap();
//!
//! let flushes = Arc::new(Flushes::default());
//! file.append(b"kept").unwrap();
//! flushes.wrote(&file, 4).wait().await.unwrap();
//! file.append(b" lost").unwrap();
//!
//! disk.cut_power_and_lose_all();
//! assert_eq!(disk.read(path).unwrap(), b"kept");
//! # });
//! ```

#![warn(unreachable_pub)]

mod disk;
mod flushes;
mod lock;
#[cfg(unix)]
pub mod private;
mod simulated;

pub use disk::{Disk, DiskFile, SystemDisk};
pub use flushes::{Commit, Flushes};
pub use lock::Lock;
pub use simulated::SimulatedDisk;

/// When a write is acknowledged, relative to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FsyncPolicy {
    /// When the operating system has the bytes: survives the end of this process, also by
    /// `kill -9`, but not a power failure.
    #[default]
    Never,
    /// When the disk has the bytes; writes that wait at the same time share one
    /// flush. Survives a power failure.
    Always,
}
