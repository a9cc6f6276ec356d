//! A shard's log is cut into files, so that trimmed records can be deleted.

use std::{
    collections::VecDeque,
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

/// Bytes after which a new file is begun.
pub const SEGMENT: u64 = 8 * 1024 * 1024;

/// The file whose first record has the index `first`.
#[must_use]
pub fn path(directory: &Path, first: u64) -> PathBuf {
    directory.join(format!("{first:020}.log"))
}

/// Opens a segment for appending.
///
/// # Errors
///
/// What the system says.
pub fn open(directory: &Path, first: u64) -> io::Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path(directory, first))
}

/// The first indices of the segments in `directory`, in order.
///
/// # Errors
///
/// What the system says.
pub fn list(directory: &Path) -> io::Result<VecDeque<u64>> {
    let mut found = Vec::new();
    for file in fs::read_dir(directory)? {
        let name = file?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".log"));
        found.extend(number.and_then(|number| number.parse::<u64>().ok()));
    }
    found.sort_unstable();
    Ok(found.into())
}
