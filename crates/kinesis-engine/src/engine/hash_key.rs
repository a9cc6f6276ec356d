//! The 128-bit space that partition keys are hashed into.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// A point of the hash key space, from a partition key or an `ExplicitHashKey`; a decimal
/// string on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct HashKey(pub u128);

impl HashKey {
    /// Where a partition key falls: its MD5, big-endian (API reference,
    /// `PutRecord`: "an MD5 hash function is used to map partition keys").
    #[must_use]
    pub(crate) fn of(partition_key: &str) -> Self {
        Self(u128::from_be_bytes(md5::compute(partition_key).0))
    }

    /// Reads `0|([1-9]\d{0,38})` up to 2^128-1.
    #[must_use]
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let canonical = text == "0" || !text.starts_with(['0', '+']);
        if canonical {
            text.parse().ok().map(Self)
        } else {
            None
        }
    }
}

impl fmt::Display for HashKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl Serialize for HashKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for HashKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("not a hash key"))
    }
}

/// The part of the space that one shard owns, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct HashKeyRange {
    /// The lowest hash key of the shard.
    pub starting_hash_key: HashKey,
    /// The highest hash key of the shard.
    pub ending_hash_key: HashKey,
}

impl HashKeyRange {
    /// The range from `start` to `end`, both included.
    #[must_use]
    pub(crate) fn new(start: u128, end: u128) -> Self {
        Self {
            starting_hash_key: HashKey(start),
            ending_hash_key: HashKey(end),
        }
    }

    /// The lowest hash key.
    #[must_use]
    pub(crate) fn start(&self) -> u128 {
        self.starting_hash_key.0
    }

    /// The highest hash key.
    #[must_use]
    pub(crate) fn end(&self) -> u128 {
        self.ending_hash_key.0
    }

    /// The whole space in `count` equal parts; the last takes the remainder.
    #[must_use]
    pub(crate) fn evenly(count: u32) -> Vec<Self> {
        let count = u128::from(count.max(1));
        // 2^128 / count, without the 129th bit.
        let size = (u128::MAX / count).wrapping_add(u128::from(u128::MAX % count == count - 1));
        (0..count)
            .map(|part| {
                let last = part == count - 1;
                let end = if last {
                    u128::MAX
                } else {
                    (part + 1).wrapping_mul(size) - 1
                };
                Self::new(part.wrapping_mul(size), end)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{HashKey, HashKeyRange};

    #[test]
    fn a_partition_key_is_hashed_with_md5() {
        // md5("a") = 0cc175b9c0f1b6a831c399e269772661
        assert_eq!(
            HashKey::of("a").0,
            0x0cc1_75b9_c0f1_b6a8_31c3_99e2_6977_2661
        );
    }

    #[test]
    fn equal_parts_cover_the_space_without_gaps() {
        for count in [1, 2, 3, 4, 5, 7, 64, 1000] {
            let parts = HashKeyRange::evenly(count);
            assert_eq!(parts[0].start(), 0);
            assert_eq!(parts[parts.len() - 1].end(), u128::MAX);
            for pair in parts.windows(2) {
                assert_eq!(pair[0].end() + 1, pair[1].start());
            }
        }
        // AWS documents this split for two shards.
        assert_eq!(HashKeyRange::evenly(2)[0].end(), u128::MAX / 2);
    }

    #[test]
    fn hash_keys_have_one_spelling_and_fit_the_space() {
        assert_eq!(HashKey::parse("0"), Some(HashKey(0)));
        for text in [
            "",
            "01",
            "+1",
            "-1",
            "340282366920938463463374607431768211456",
        ] {
            assert_eq!(HashKey::parse(text), None, "{text}");
        }
    }
}
