//! Reads a log at start, and distinguishes a power failure from damage.

use std::path::Path;

use durable_files::Disk;

use super::{
    OpenError,
    frame::{self, Entry, Frame, MARK_LENGTH},
};

/// Reads one file and hands its records to `restore`; returns how many of its bytes to
/// keep.
///
/// In the `last` file, unreadable bytes are what a power failure left of a batch that was
/// not flushed: they were never acknowledged, and nor was anything after them.
///
/// # Errors
///
/// [`OpenError::Damaged`] if the bytes were flushed, or may have been.
pub(super) fn replay(
    disk: &dyn Disk,
    path: &Path,
    last: bool,
    next: &mut u64,
    restore: &mut impl FnMut(Entry<'_>),
) -> Result<u64, OpenError> {
    let file = disk.read(path).map_err(OpenError::io(path))?;
    let mut position = 0;
    let mut marked = false;
    while position < file.len() {
        let reason = match frame::read(&file, position) {
            Frame::Whole(entry, length) if entry.index == *next => {
                *next = entry.index + 1;
                restore(entry);
                position += length;
                continue;
            }
            Frame::Mark(_) => {
                marked = true;
                position += MARK_LENGTH;
                continue;
            }
            Frame::Whole(..) => "a record is missing or out of order",
            Frame::Unreadable(reason) => reason,
        };
        if !last || acknowledged(&file, position, *next, marked) {
            return Err(OpenError::Damaged {
                path: path.to_owned(),
                offset: position as u64,
                reason: reason.to_owned(),
            });
        }
        tracing::warn!(
            path = %path.display(),
            position,
            bytes = file.len() - position,
            "dropping the end of a log: its writing was cut off before it was acknowledged"
        );
        break;
    }
    Ok(position as u64)
}

/// Whether the unreadable bytes at `position` may have been acknowledged.
///
/// A flush covers the whole file. So under `--fsync always` they were only if a later mark
/// says so; the log has `marked` batches then. Without marks, every record was acknowledged
/// once it was written: a whole one that follows shows that these were too.
fn acknowledged(file: &[u8], position: usize, next: u64, marked: bool) -> bool {
    let mut marked = marked;
    let mut followed = false;
    for later in position + 1..file.len() {
        let mark = file.get(later..).is_some_and(frame::is_mark);
        if !mark && (followed || !frame::may_follow(file, later, next)) {
            continue;
        }
        match frame::read(file, later) {
            Frame::Mark(flushed) if flushed > position as u64 => return true,
            Frame::Mark(_) => marked = true,
            Frame::Whole(..) => followed = true,
            Frame::Unreadable(_) => {}
        }
    }
    followed && !marked
}
