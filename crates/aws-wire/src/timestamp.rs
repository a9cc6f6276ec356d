//! Times: seconds with a fraction in JSON, tagged milliseconds in CBOR.

use std::fmt;

use ciborium::tag::{Captured, Required};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A time to the millisecond, as Kinesis keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(u64);

/// CBOR's tag for a time since the Unix epoch (RFC 8949, section 3.4.2).
const EPOCH_TAG: u64 = 1;

impl Timestamp {
    /// From milliseconds since the Unix epoch.
    #[must_use]
    pub fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub fn millis(self) -> u64 {
        self.0
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn from_seconds(seconds: f64) -> Self {
        // Rounding at the microsecond first keeps 1459799926.480 from becoming
        // …479; fractions of a millisecond are cut off, so that "now"
        // never turns into the future. Casts saturate; NaN is 0.
        Self((seconds * 1e6).round() as u64 / 1000)
    }

    #[allow(clippy::cast_precision_loss)]
    fn seconds(self) -> f64 {
        self.0 as f64 / 1000.0
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_f64(self.seconds())
        } else {
            Required::<u64, EPOCH_TAG>(self.0).serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return Number::deserialize(deserializer).map(|number| match number {
                Number::Whole(seconds) => Self(seconds.saturating_mul(1000)),
                Number::Fraction(seconds) => Self::from_seconds(seconds),
            });
        }
        // The Java SDKs write whole milliseconds; RFC 8949's own form, a
        // fraction, can only mean seconds.
        let Captured(_, number) = Captured::<Number>::deserialize(deserializer)?;
        Ok(match number {
            Number::Whole(millis) => Self(millis),
            Number::Fraction(seconds) => Self::from_seconds(seconds),
        })
    }
}

enum Number {
    Whole(u64),
    Fraction(f64),
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Number;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a time since the Unix epoch")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Number, E> {
                Ok(Number::Whole(number))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Number, E> {
                Ok(Number::Whole(u64::try_from(number).unwrap_or(0)))
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Number, E> {
                Ok(Number::Fraction(number))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::Timestamp;

    #[test]
    fn milliseconds_survive_json_and_cbor() {
        for millis in [1_459_799_926_480, 1_763_853_000_123, 1_763_853_000_999] {
            let time = Timestamp::from_millis(millis);
            let json = serde_json::to_string(&time).unwrap();
            assert_eq!(
                serde_json::from_str::<Timestamp>(&json).unwrap(),
                time,
                "{json}"
            );
            let mut cbor = Vec::new();
            ciborium::into_writer(&time, &mut cbor).unwrap();
            assert_eq!(
                ciborium::from_reader::<Timestamp, _>(&cbor[..]).unwrap(),
                time
            );
        }
    }

    #[test]
    fn a_fraction_of_a_millisecond_is_cut_off() {
        let time: Timestamp = serde_json::from_str("1763853000.1239").unwrap();
        assert_eq!(time.millis(), 1_763_853_000_123);
    }
}
