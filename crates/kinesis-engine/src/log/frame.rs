//! One record on disk.
//!
//! `length u32 | crc32 u32 | index u64 | arrival u64 | key length u16 | key | data`,
//! big-endian; length and checksum are of what follows the checksum.

/// A record with its place and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
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

/// What stands at a place of a log.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// An entry, and the bytes that it takes.
    Whole(Entry<'a>, usize),
    /// The end, or a frame whose writing was cut off.
    Torn,
    /// Something that was never written here.
    Damaged(&'static str),
}

/// Appends an entry's frame to `buffer`.
pub fn write(buffer: &mut Vec<u8>, entry: &Entry<'_>) {
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
    if let Some(place) = buffer.get_mut(start + 4..start + HEAD) {
        place.copy_from_slice(&checksum.to_be_bytes());
    }
}

/// Reads the frame at the start of `bytes`, which reach to the end of the file.
pub fn read(bytes: &[u8]) -> Frame<'_> {
    // A crash can leave a tail of zeros where the size of a file reached the
    // disk and its content did not.
    if bytes.iter().all(|byte| *byte == 0) {
        return Frame::Torn;
    }
    let Some((length, rest)) = bytes.split_first_chunk::<4>() else {
        return Frame::Torn;
    };
    let length = u32::from_be_bytes(*length) as usize;
    if !(FIXED..=MAX_LENGTH).contains(&length) {
        return Frame::Damaged("a frame's length is impossible");
    }
    let Some((checksum, rest)) = rest.split_first_chunk::<4>() else {
        return Frame::Torn;
    };
    let Some(body) = rest.get(..length) else {
        return Frame::Torn;
    };
    if crc32fast::hash(body).to_be_bytes() != *checksum {
        // The last frame of a file may have reached the disk in part.
        let last = rest.len() == length;
        return if last {
            Frame::Torn
        } else {
            Frame::Damaged("a checksum does not match")
        };
    }
    match parse(body) {
        Some(entry) => Frame::Whole(entry, HEAD + length),
        None => Frame::Damaged("a frame's content does not fit its length"),
    }
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
    use super::{Entry, Frame, read, write};

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
        assert_eq!(read(&bytes), Frame::Whole(ENTRY, first));
    }

    #[test]
    fn every_cut_of_the_last_frame_is_a_torn_tail() {
        let (bytes, first) = two_frames();
        for end in 0..first {
            assert_eq!(read(&bytes[..end]), Frame::Torn, "cut at {end}");
        }
        assert_eq!(read(&[0; 64]), Frame::Torn);
    }

    #[test]
    fn a_flipped_bit_is_damage_before_the_end_and_torn_at_it() {
        let (mut bytes, first) = two_frames();
        bytes[first - 1] ^= 1;
        assert!(matches!(read(&bytes), Frame::Damaged(_)));
        assert_eq!(read(&bytes[..first]), Frame::Torn);
    }
}
