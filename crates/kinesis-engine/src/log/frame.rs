//! One record on disk, and the marks between them.
//!
//! A record: `length u32 | crc32 u32 | index u64 | arrival u64 | key length u16 | key |
//! data`, big-endian; length and checksum are of what follows the checksum.
//!
//! A mark: `MARK u32 | crc32 u32 | position u64 | flushed u64`. It says how many bytes of
//! its file were flushed, and so perhaps acknowledged, when it was written.

/// A record with its index and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry<'a> {
    /// Its index in the shard.
    pub index: u64,
    /// When it arrived, milliseconds since the Unix epoch.
    pub arrival: u64,
    /// The partition key.
    pub partition_key: &'a str,
    /// The data blob.
    pub data: &'a [u8],
}

/// Bytes before the checksummed part.
const HEAD: usize = 8;
/// Bytes of the checksummed part besides key and data.
const FIXED: usize = 18;
/// No record is longer: 10 MiB and its key.
const MAX_LENGTH: usize = 11 * 1024 * 1024;

/// The first field of a mark: no record has this length.
const MARK: u32 = 0x8000_0010;
/// Bytes of a mark.
pub(super) const MARK_LENGTH: usize = 24;

/// The bytes at one position of a log.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Frame<'a> {
    /// An entry, and the bytes that it takes.
    Whole(Entry<'a>, usize),
    /// A mark: this many bytes of the file were flushed.
    Mark(u64),
    /// Neither, and why.
    Unreadable(&'static str),
}

/// Appends an entry's frame to `buffer`.
pub(super) fn write(buffer: &mut Vec<u8>, entry: &Entry<'_>) {
    let length = FIXED + entry.partition_key.len() + entry.data.len();
    let start = buffer.len();
    buffer.reserve(HEAD + length);
    buffer.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    buffer.extend_from_slice(&[0; 4]);
    buffer.extend_from_slice(&entry.index.to_be_bytes());
    buffer.extend_from_slice(&entry.arrival.to_be_bytes());
    let key_length = u16::try_from(entry.partition_key.len()).unwrap_or(u16::MAX);
    buffer.extend_from_slice(&key_length.to_be_bytes());
    buffer.extend_from_slice(entry.partition_key.as_bytes());
    buffer.extend_from_slice(entry.data);
    let checksum = crc32fast::hash(buffer.get(start + HEAD..).unwrap_or_default());
    if let Some(field) = buffer.get_mut(start + 4..start + HEAD) {
        field.copy_from_slice(&checksum.to_be_bytes());
    }
}

/// Appends a mark to `buffer`: it is at `position` of a file, and `flushed` bytes of the
/// file are flushed.
pub(super) fn write_mark(buffer: &mut Vec<u8>, position: u64, flushed: u64) {
    let body = [position.to_be_bytes(), flushed.to_be_bytes()].concat();
    buffer.extend_from_slice(&MARK.to_be_bytes());
    buffer.extend_from_slice(&crc32fast::hash(&body).to_be_bytes());
    buffer.extend_from_slice(&body);
}

/// Reads the frame at `position` of a file.
pub(super) fn read(file: &[u8], position: usize) -> Frame<'_> {
    let bytes = file.get(position..).unwrap_or_default();
    let Some((length, rest)) = bytes.split_first_chunk::<4>() else {
        return Frame::Unreadable("the file ends inside a record");
    };
    let Some((checksum, rest)) = rest.split_first_chunk::<4>() else {
        return Frame::Unreadable("the file ends inside a record");
    };
    let length = u32::from_be_bytes(*length);
    if length == MARK {
        return match read_mark(rest, *checksum, position as u64) {
            Some(flushed) => Frame::Mark(flushed),
            None => Frame::Unreadable("a mark's checksum does not match"),
        };
    }
    let length = length as usize;
    if !(FIXED..=MAX_LENGTH).contains(&length) {
        return Frame::Unreadable("a record's length is impossible");
    }
    let Some(body) = rest.get(..length) else {
        return Frame::Unreadable("the file ends inside a record");
    };
    if crc32fast::hash(body).to_be_bytes() != *checksum {
        return Frame::Unreadable("a record's checksum does not match");
    }
    match parse(body) {
        Some(entry) => Frame::Whole(entry, HEAD + length),
        None => Frame::Unreadable("a record's content does not fit its length"),
    }
}

fn read_mark(rest: &[u8], checksum: [u8; 4], position: u64) -> Option<u64> {
    let body = rest.get(..16)?;
    let (written_at, flushed) = body.split_first_chunk::<8>()?;
    let flushed = u64::from_be_bytes(*flushed.first_chunk::<8>()?);
    let whole = crc32fast::hash(body).to_be_bytes() == checksum;
    // A record's data may be a log itself: its marks are at other positions.
    (whole && u64::from_be_bytes(*written_at) == position).then_some(flushed)
}

/// Whether `bytes` start like a mark.
pub(super) fn is_mark(bytes: &[u8]) -> bool {
    bytes.starts_with(&MARK.to_be_bytes())
}

/// Whether the frame at `position` may be a record with an index after `index`: cheap, so
/// that a search computes few checksums.
pub(super) fn may_follow(file: &[u8], position: usize, index: u64) -> bool {
    /// More records than one file and one batch hold.
    const MOST: u64 = 1 << 20;
    let field = file.get(position + HEAD..position + HEAD + 8);
    let Some(found) = field.and_then(|field| field.first_chunk::<8>()) else {
        return false;
    };
    let found = u64::from_be_bytes(*found);
    found > index && found - index < MOST
}

fn parse(body: &[u8]) -> Option<Entry<'_>> {
    let (index, body) = body.split_first_chunk::<8>()?;
    let (arrival, body) = body.split_first_chunk::<8>()?;
    let (key_length, body) = body.split_first_chunk::<2>()?;
    let (key, data) = body.split_at_checked(usize::from(u16::from_be_bytes(*key_length)))?;
    Some(Entry {
        index: u64::from_be_bytes(*index),
        arrival: u64::from_be_bytes(*arrival),
        partition_key: std::str::from_utf8(key).ok()?,
        data,
    })
}

#[cfg(test)]
mod tests {
    use super::{Entry, Frame, MARK_LENGTH, read, write, write_mark};

    const ENTRY: Entry<'_> = Entry {
        index: 7,
        arrival: 1_763_853_000_123,
        partition_key: "clé",
        data: b"data",
    };

    fn two_frames() -> (Vec<u8>, usize) {
        let mut bytes = Vec::new();
        write(&mut bytes, &ENTRY);
        let first = bytes.len();
        write(&mut bytes, &ENTRY);
        (bytes, first)
    }

    #[test]
    fn a_frame_reads_back() {
        let (bytes, first) = two_frames();
        assert_eq!(read(&bytes, 0), Frame::Whole(ENTRY, first));
        assert_eq!(read(&bytes, first), Frame::Whole(ENTRY, first));
    }

    #[test]
    fn every_cut_of_a_frame_is_unreadable() {
        let (bytes, first) = two_frames();
        for end in 0..first {
            let frame = read(&bytes[..end], 0);
            assert!(matches!(frame, Frame::Unreadable(_)), "cut at {end}");
        }
        assert!(matches!(read(&[0; 64], 0), Frame::Unreadable(_)));
    }

    #[test]
    fn a_flipped_bit_makes_a_frame_unreadable() {
        let (mut bytes, first) = two_frames();
        bytes[first - 1] ^= 1;
        assert!(matches!(read(&bytes, 0), Frame::Unreadable(_)));
    }

    #[test]
    fn a_mark_is_one_only_at_its_own_position() {
        let mut bytes = vec![0; 7];
        write_mark(&mut bytes, 7, 5);
        assert_eq!(bytes.len(), 7 + MARK_LENGTH);
        assert_eq!(read(&bytes, 7), Frame::Mark(5));
        assert!(matches!(read(&bytes[1..], 6), Frame::Unreadable(_)));
    }
}
