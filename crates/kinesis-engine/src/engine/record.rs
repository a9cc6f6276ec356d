//! Records, stored once and shared with every reader.

use bytes::{BufMut, Bytes, BytesMut};

/// A stored record: 48 bytes of its own, and key and data in a shared chunk.
///
/// Its sequence number is its place in the shard and takes no room.
#[derive(Debug, Clone)]
pub struct Record {
    /// When it arrived, milliseconds since the Unix epoch.
    pub arrival: u64,
    /// The partition key, then the data.
    payload: Bytes,
    key_length: u16,
}

impl Record {
    /// The partition key.
    #[must_use]
    pub fn partition_key(&self) -> &str {
        let key = self.payload.get(..usize::from(self.key_length));
        key.and_then(|key| std::str::from_utf8(key).ok())
            .unwrap_or_default()
    }

    /// The data blob.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        self.payload
            .get(usize::from(self.key_length)..)
            .unwrap_or_default()
    }

    /// The data blob, sharing its bytes.
    #[must_use]
    pub fn shared_data(&self) -> Bytes {
        self.payload.slice(usize::from(self.key_length)..)
    }

    /// Bytes of key and data: what limits on size count.
    #[must_use]
    pub fn size(&self) -> usize {
        self.payload.len()
    }

    /// Bytes of memory that the record takes, with its bookkeeping.
    #[must_use]
    pub fn footprint(&self) -> u64 {
        (self.payload.len() + size_of::<Self>()) as u64
    }
}

/// Where a shard puts the bytes of its next records.
///
/// One allocation holds many records, each a slice of it: no allocator overhead
/// per record, and a chunk is freed when its last record is trimmed.
#[derive(Debug, Default)]
pub struct Chunk(BytesMut);

/// Bytes in a chunk: large against a record, small against a stream of a
/// thousand idle shards.
const CHUNK: usize = 64 * 1024;

impl Chunk {
    /// Stores a record. `partition_key` is at most 65,535 bytes long, which
    /// validation guarantees (256 characters).
    pub fn store(&mut self, arrival: u64, partition_key: &str, data: &[u8]) -> Record {
        let length = partition_key.len() + data.len();
        if self.0.capacity() < length {
            self.0 = BytesMut::with_capacity(CHUNK.max(length));
        }
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
            .map(|size| chunk.store(7, "clé", &vec![b'x'; *size]))
            .collect();
        for (record, size) in records.iter().zip(sizes) {
            assert_eq!(record.partition_key(), "clé");
            assert_eq!(record.data().len(), size);
        }
    }
}
