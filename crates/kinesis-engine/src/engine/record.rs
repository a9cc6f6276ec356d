//! Records, stored once and shared with every reader.

use bytes::{BufMut, Bytes, BytesMut};

/// A stored record: 48 bytes of its own, and key and data in a shared chunk.
///
/// Its sequence number follows from its index in the shard and takes no room.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    /// When it arrived, milliseconds since the Unix epoch.
    pub arrival: u64,
    /// The partition key, then the data.
    payload: Bytes,
    key_length: u16,
}

impl Record {
    /// The partition key.
    #[must_use]
    pub(crate) fn partition_key(&self) -> &str {
        let key = self.payload.get(..usize::from(self.key_length));
        key.and_then(|key| std::str::from_utf8(key).ok())
            .unwrap_or_default()
    }

    /// The data blob.
    #[must_use]
    pub(crate) fn data(&self) -> &[u8] {
        self.payload
            .get(usize::from(self.key_length)..)
            .unwrap_or_default()
    }

    /// The data blob, sharing its bytes.
    #[must_use]
    pub(crate) fn shared_data(&self) -> Bytes {
        self.payload.slice(usize::from(self.key_length)..)
    }

    /// Bytes of key and data, which size limits count.
    #[must_use]
    pub(crate) fn size(&self) -> usize {
        self.payload.len()
    }
}

/// Where a shard puts the bytes of its next records.
///
/// One allocation holds many records, each a slice of it: no allocator overhead
/// per record, and a chunk is freed when its last record is trimmed.
#[derive(Debug, Default)]
pub(crate) struct Chunk(BytesMut);

/// Bytes in a chunk at most: large against a record, small against a stream of a thousand
/// idle shards.
const CHUNK: usize = 64 * 1024;
/// Bytes in a shard's first chunk.
const FIRST_CHUNK: usize = 1024;

impl Chunk {
    /// Makes room for `length` bytes in a shard that has chunks of `held` bytes; returns
    /// the bytes allocated.
    pub(crate) fn reserve(&mut self, length: usize, held: u64) -> Option<u64> {
        if self.0.capacity() >= length {
            return None;
        }
        // In proportion to the shard, so that spare room stays a small part of it.
        let share = usize::try_from(held / 8).unwrap_or(CHUNK);
        let size = share.clamp(FIRST_CHUNK, CHUNK).max(length);
        self.0 = BytesMut::with_capacity(size);
        Some(size as u64)
    }

    /// Stores a record, after [`Chunk::reserve`]. `partition_key` is at most 65,535 bytes
    /// long, which validation guarantees (256 characters).
    pub(crate) fn store(&mut self, arrival: u64, partition_key: &str, data: &[u8]) -> Record {
        self.0.put_slice(partition_key.as_bytes());
        self.0.put_slice(data);
        Record {
            arrival,
            payload: self.0.split().freeze(),
            key_length: u16::try_from(partition_key.len()).unwrap_or(u16::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CHUNK, Chunk, Record};

    #[test]
    fn a_record_takes_48_bytes_besides_its_own() {
        assert_eq!(size_of::<Record>(), 48);
    }

    #[test]
    fn records_keep_their_bytes_across_chunks() {
        let mut chunk = Chunk::default();
        let sizes = [0, 1, CHUNK - 10, CHUNK * 3, 5];
        let records: Vec<_> = sizes
            .iter()
            .map(|size| {
                chunk.reserve(size + "clé".len(), u64::MAX);
                chunk.store(7, "clé", &vec![b'x'; *size])
            })
            .collect();
        for (record, size) in records.iter().zip(sizes) {
            assert_eq!(record.partition_key(), "clé");
            assert_eq!(record.data().len(), size);
        }
    }
}
