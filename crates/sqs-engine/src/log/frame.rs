//! One batch of changes on disk. It is there whole or not at all.
//!
//! `length u32 | crc32 u32 | position u64 | flushed u64 | changes`, big-endian. Length
//! and checksum are of what follows the checksum. `position` is the frame's own in its
//! file: a message's body may hold a log itself. `flushed` says how many bytes of the file
//! were flushed, and so acknowledged, when the frame was written; [`NEVER_FLUSHED`] where
//! nothing waits for a flush, and a frame counts once it is written.

use super::codec;
use crate::engine::change::Change;

/// The `flushed` of a frame that is acknowledged without a flush.
pub(super) const NEVER_FLUSHED: u64 = u64::MAX;

/// Bytes before the checksummed part.
const HEAD: usize = 8;
/// Bytes of the checksummed part before the changes.
const FIXED: usize = 16;
/// No frame is longer: ten messages of 1 MiB, or a relocated part of a segment.
const MAX_LENGTH: usize = 64 * 1024 * 1024;

/// A whole frame.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    /// What was flushed when it was written.
    pub flushed: u64,
    /// Its changes, still as bytes.
    pub changes: &'a [u8],
    /// Its bytes in all.
    pub length: usize,
}

/// Appends a frame that will be at `position` of its file.
///
/// # Errors
///
/// A change cannot be written.
pub(super) fn write<'c>(
    buffer: &mut Vec<u8>,
    position: u64,
    flushed: u64,
    changes: impl IntoIterator<Item = &'c Change>,
) -> serde_json::Result<()> {
    let start = buffer.len();
    buffer.extend_from_slice(&[0; HEAD]);
    buffer.extend_from_slice(&position.to_be_bytes());
    buffer.extend_from_slice(&flushed.to_be_bytes());
    for change in changes {
        codec::write(buffer, change)?;
    }
    let body = buffer.get(start + HEAD..).unwrap_or_default();
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes();
    let checksum = crc32fast::hash(body).to_be_bytes();
    if let Some(head) = buffer.get_mut(start..start + HEAD) {
        head[..4].copy_from_slice(&length);
        head[4..].copy_from_slice(&checksum);
    }
    Ok(())
}

/// Reads the frame at `position` of a file.
///
/// # Errors
///
/// Why there is no whole one.
pub(super) fn read(file: &[u8], position: usize) -> Result<Frame<'_>, &'static str> {
    const ENDS: &str = "the file ends inside a change";
    let bytes = file.get(position..).unwrap_or_default();
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or(ENDS)?;
    let (checksum, rest) = rest.split_first_chunk::<4>().ok_or(ENDS)?;
    let length = u32::from_be_bytes(*length) as usize;
    if !(FIXED..=MAX_LENGTH).contains(&length) {
        return Err("a length is impossible");
    }
    let body = rest.get(..length).ok_or(ENDS)?;
    if !is_at(file, position) {
        return Err("a change is at another position than it says");
    }
    if crc32fast::hash(body).to_be_bytes() != *checksum {
        return Err("a checksum does not match");
    }
    let (_, body) = body.split_first_chunk::<8>().ok_or(ENDS)?;
    let (flushed, changes) = body.split_first_chunk::<8>().ok_or(ENDS)?;
    Ok(Frame {
        flushed: u64::from_be_bytes(*flushed),
        changes,
        length: HEAD + length,
    })
}

/// Whether the bytes at `position` may be a frame: cheap, so that a search computes few
/// checksums.
pub(super) fn is_at(file: &[u8], position: usize) -> bool {
    let field = file.get(position + HEAD..position + HEAD + 8);
    field == Some(&(position as u64).to_be_bytes())
}
