//! Reads a segment at start, and distinguishes a power failure from damage.

use std::path::Path;

use durable_files::Disk;

use super::{OpenError, codec, frame, frame::NEVER_FLUSHED};
use crate::engine::change::Change;

/// Reads one file and hands its changes to `restore`; returns how many of its bytes to
/// keep.
///
/// In the `last` file, unreadable bytes are what a power failure left of a write that was
/// not flushed: it was never acknowledged, and nor was anything after it.
///
/// # Errors
///
/// [`OpenError::Damaged`] if the bytes were acknowledged, or may have been.
pub(super) fn replay(
    disk: &dyn Disk,
    path: &Path,
    last: bool,
    restore: &mut impl FnMut(Change),
) -> Result<u64, OpenError> {
    let file = disk.read(path).map_err(OpenError::io(path))?;
    let mut position = 0;
    while position < file.len() {
        let reason = match frame::read(&file, position) {
            Ok(frame) => {
                let mut changes = frame.changes;
                while let Some(change) = codec::read(&mut changes) {
                    restore(change);
                }
                if changes.is_empty() {
                    position += frame.length;
                    continue;
                }
                "a change cannot be read: a newer version may have written it"
            }
            Err(reason) => reason,
        };
        if !last || acknowledged(&file, position) {
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

/// Whether the unreadable bytes at `position` may have been acknowledged: a later frame
/// was written after their flush, or is one that needs none.
fn acknowledged(file: &[u8], position: usize) -> bool {
    let later = position + 1..file.len();
    let mut frames = later
        .filter(|later| frame::is_at(file, *later))
        .filter_map(|later| frame::read(file, later).ok());
    frames.any(|frame| frame.flushed == NEVER_FLUSHED || frame.flushed > position as u64)
}
