//! Sequence numbers: wide decimals that increase within a shard.

use std::fmt;

use serde::{Serialize, Serializer};

/// The sequence number of a record.
///
/// AWS's numbers are 56-digit decimals that start with 49, increase within a
/// shard, and are higher in a child shard than in its parents ("Sequence Number"
/// in the developer guide's terminology). These are laid out in decimal fields,
/// so that a person can read them and no wide arithmetic is needed:
///
/// `49 | shard opened, µs (18) | shard (12) | index in the shard (24)`
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SequenceNumber {
    /// When the shard was opened, unique in the engine.
    pub opened: u64,
    /// The shard's number in its stream.
    pub shard: u64,
    /// 0 is the shard's own start; its first record is 1.
    pub index: u64,
}

/// Digits in a sequence number.
const DIGITS: usize = 56;
const VERSION: &str = "49";

impl SequenceNumber {
    /// Reads a number that this engine has written.
    #[must_use]
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() != DIGITS || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let fields = text.strip_prefix(VERSION)?;
        Some(Self {
            opened: fields.get(..18)?.parse().ok()?,
            shard: fields.get(18..30)?.parse().ok()?,
            index: fields.get(30..)?.parse().ok()?,
        })
    }

    /// Whether `text` is any sequence number by the API's pattern,
    /// `0|([1-9]\d{0,128})`.
    #[must_use]
    pub(crate) fn is_well_formed(text: &str) -> bool {
        text == "0"
            || (text.len() <= 129
                && !text.starts_with('0')
                && !text.is_empty()
                && text.bytes().all(|byte| byte.is_ascii_digit()))
    }
}

impl SequenceNumber {
    /// The number's digits. Every record of a reply needs them: no formatting
    /// machinery, no allocation.
    fn digits(self) -> [u8; DIGITS] {
        let mut digits = [b'0'; DIGITS];
        let (version, fields) = digits.split_at_mut(VERSION.len());
        version.copy_from_slice(VERSION.as_bytes());
        let (opened, fields) = fields.split_at_mut(18);
        let (shard, index) = fields.split_at_mut(12);
        for (field, mut value) in [
            (opened, self.opened),
            (shard, self.shard),
            (index, self.index),
        ] {
            for digit in field.iter_mut().rev() {
                if value == 0 {
                    break;
                }
                // A remainder of ten fits a byte.
                *digit += u8::try_from(value % 10).unwrap_or(0);
                value /= 10;
            }
        }
        digits
    }
}

impl fmt::Display for SequenceNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(std::str::from_utf8(&self.digits()).map_err(|_| fmt::Error)?)
    }
}

impl Serialize for SequenceNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let digits = self.digits();
        let text = std::str::from_utf8(&digits).map_err(serde::ser::Error::custom)?;
        serializer.serialize_str(text)
    }
}

#[cfg(test)]
mod tests {
    use super::SequenceNumber;

    const NUMBER: SequenceNumber = SequenceNumber {
        opened: 1_763_853_000_123_456,
        shard: 3,
        index: 42,
    };

    #[test]
    fn numbers_are_shaped_like_those_of_aws_and_read_back() {
        let text = NUMBER.to_string();
        assert_eq!(text.len(), 56);
        assert!(text.starts_with("49"));
        assert_eq!(SequenceNumber::parse(&text), Some(NUMBER));
    }

    #[test]
    fn the_text_sorts_like_the_number() {
        let next = SequenceNumber {
            index: 43,
            ..NUMBER
        };
        let child = SequenceNumber {
            opened: NUMBER.opened + 1,
            shard: 0,
            index: 1,
        };
        assert!(NUMBER.to_string() < next.to_string());
        assert!(next.to_string() < child.to_string());
    }

    #[test]
    fn text_that_is_no_sequence_number_is_refused() {
        for text in [
            "",
            "0",
            "49",
            "x".repeat(56).as_str(),
            "é".repeat(28).as_str(),
        ] {
            assert_eq!(SequenceNumber::parse(text), None, "{text}");
        }
        assert!(SequenceNumber::is_well_formed("0"));
        assert!(!SequenceNumber::is_well_formed("007"));
    }
}
