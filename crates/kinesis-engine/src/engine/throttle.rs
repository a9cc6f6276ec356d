//! A shard's throughput, when limits are enforced.

use std::sync::atomic::{AtomicU64, Ordering};

/// Records that may be written to a shard in a second (developer guide, "Quotas and
/// limits").
pub const SHARD_WRITE_RECORDS: u32 = 1000;
/// Bytes that may be written to a shard in a second, partition keys included.
pub const SHARD_WRITE_BYTES: u32 = 1024 * 1024;
/// 5 read transactions a second are served by a shard.
const READS: u64 = 5;
/// 2 MiB a second may be read from a shard; a reply of 10 MiB therefore blocks
/// the next five seconds (API reference, `GetRecords`).
const READ_BYTES: u64 = 2 * 1024 * 1024;

/// Which of a shard's write limits refuses a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WriteLimit {
    /// [`SHARD_WRITE_RECORDS`].
    Records,
    /// [`SHARD_WRITE_BYTES`].
    Bytes,
}

/// Records that a stream's shards have refused: those that `CloudWatch` counts in
/// `WriteProvisionedThroughputExceeded`. A record that is put again and refused again
/// counts again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ThrottledRecords {
    /// Beyond [`SHARD_WRITE_RECORDS`].
    pub by_records: u64,
    /// Beyond [`SHARD_WRITE_BYTES`].
    pub by_bytes: u64,
}

/// Counts [`ThrottledRecords`].
#[derive(Debug, Default)]
pub(crate) struct ThrottledCounter {
    by_records: AtomicU64,
    by_bytes: AtomicU64,
}

impl ThrottledCounter {
    pub(super) fn add(&self, limit: WriteLimit) {
        let count = match limit {
            WriteLimit::Records => &self.by_records,
            WriteLimit::Bytes => &self.by_bytes,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn counted(&self) -> ThrottledRecords {
        ThrottledRecords {
            by_records: self.by_records.load(Ordering::Relaxed),
            by_bytes: self.by_bytes.load(Ordering::Relaxed),
        }
    }
}

/// A shard's remaining throughput.
#[derive(Debug)]
pub(super) struct Throttle {
    write_records: Bucket,
    write_bytes: Bucket,
    reads: Bucket,
    read_bytes: Bucket,
}

impl Throttle {
    /// A shard that has not been used for a second.
    #[must_use]
    pub(super) fn new(now: u64) -> Self {
        Self {
            write_records: Bucket::full(SHARD_WRITE_RECORDS.into(), now),
            write_bytes: Bucket::full(SHARD_WRITE_BYTES.into(), now),
            reads: Bucket::full(READS, now),
            read_bytes: Bucket::full(READ_BYTES, now),
        }
    }

    /// Takes one record of `bytes` bytes, or says which limit refuses it. `now` in
    /// microseconds.
    pub(super) fn write(&mut self, bytes: u64, now: u64) -> Result<(), WriteLimit> {
        if !self.write_records.has(1, now) {
            return Err(WriteLimit::Records);
        }
        if !self.write_bytes.has(bytes, now) {
            return Err(WriteLimit::Bytes);
        }
        self.write_records.take(1);
        self.write_bytes.take(bytes);
        Ok(())
    }

    /// Starts a read, or refuses it. `now` in microseconds.
    pub(super) fn read(&mut self, now: u64) -> bool {
        // The size of the reply is not known yet: any credit admits the read, and
        // the next read pays for the reply.
        let admitted = self.reads.has(1, now) && self.read_bytes.has(1, now);
        if admitted {
            self.reads.take(1);
        }
        admitted
    }

    /// Charges the `bytes` that a read has returned.
    pub(super) fn charge_read(&mut self, bytes: u64) {
        self.read_bytes.take(bytes);
    }
}

/// A token bucket that holds one second's worth and can go into debt. It counts
/// millionths of a token, so that refilling by the microsecond is exact.
#[derive(Debug)]
struct Bucket {
    per_second: i64,
    level: i64,
    at: u64,
}

const MICRO: i64 = 1_000_000;

impl Bucket {
    fn full(per_second: u64, now: u64) -> Self {
        let per_second = i64::try_from(per_second).unwrap_or(i64::MAX / MICRO);
        Self {
            per_second,
            level: per_second * MICRO,
            at: now,
        }
    }

    fn has(&mut self, tokens: u64, now: u64) -> bool {
        let passed = i64::try_from(now.saturating_sub(self.at)).unwrap_or(i64::MAX);
        self.at = self.at.max(now);
        let full = self.per_second * MICRO;
        let gained = passed.saturating_mul(self.per_second);
        self.level = self.level.saturating_add(gained).min(full);
        // One record may be larger than a second's worth: a full bucket admits it.
        self.level >= micro(tokens).min(full)
    }

    fn take(&mut self, tokens: u64) {
        self.level = self.level.saturating_sub(micro(tokens));
    }
}

fn micro(tokens: u64) -> i64 {
    i64::try_from(tokens)
        .unwrap_or(i64::MAX)
        .saturating_mul(MICRO)
}

#[cfg(test)]
mod tests {
    use super::{Throttle, WriteLimit};

    const SECOND: u64 = 1_000_000;

    #[test]
    fn a_shard_takes_a_thousand_records_a_second() {
        let mut throttle = Throttle::new(0);
        let taken = (0..1500).filter(|_| throttle.write(1, 0).is_ok()).count();
        assert_eq!(taken, 1000);
        assert_eq!(throttle.write(1, 0), Err(WriteLimit::Records));
        assert_eq!(throttle.write(1, SECOND / 1000), Ok(()));
    }

    #[test]
    fn a_shard_takes_one_mebibyte_a_second() {
        let mut throttle = Throttle::new(0);
        assert_eq!(throttle.write(1024 * 1024, 0), Ok(()));
        assert_eq!(throttle.write(1, 0), Err(WriteLimit::Bytes));
        assert_eq!(throttle.write(512 * 1024, SECOND / 2), Ok(()));
    }

    #[test]
    fn a_read_of_ten_mebibytes_blocks_the_next_five_seconds() {
        let mut throttle = Throttle::new(0);
        assert!(throttle.read(0));
        throttle.charge_read(10 * 1024 * 1024);
        assert!(!throttle.read(3 * SECOND));
        assert!(throttle.read(5 * SECOND));
    }

    #[test]
    fn a_shard_serves_five_reads_a_second() {
        let mut throttle = Throttle::new(0);
        assert_eq!((0..9).filter(|_| throttle.read(0)).count(), 5);
    }
}
