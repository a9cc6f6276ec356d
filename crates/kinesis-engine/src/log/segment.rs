//! A shard's log is cut into files, so that trimmed records can be deleted.

use std::{
    collections::VecDeque,
    io,
    path::{Path, PathBuf},
};

use durable_files::Disk;

/// The file whose first record has the index `first`.
#[must_use]
pub(crate) fn path(folder: &Path, first: u64) -> PathBuf {
    folder.join(format!("{first:020}.log"))
}

/// The first indices of the segments in `folder`, in order; none if it is missing.
///
/// # Errors
///
/// The folder cannot be read.
pub(crate) fn list(disk: &dyn Disk, folder: &Path) -> io::Result<VecDeque<u64>> {
    let names = match disk.list(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(VecDeque::new()),
        names => names?,
    };
    let number = |name: &String| name.strip_suffix(".log")?.parse().ok();
    let mut found: Vec<u64> = names.iter().filter_map(number).collect();
    found.sort_unstable();
    Ok(found.into())
}
