//! The placeholders of a template: `${name}` or `${name:arguments}`.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Zipf};
use svix_ksuid::{Ksuid, KsuidLike};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Builder;

/// All placeholders, with an example of each, for messages and documentation.
pub const PLACEHOLDERS: [&str; 9] = [
    "${sequence}",
    "${uuid}",
    "${ksuid}",
    "${time}",
    "${time:ms}",
    "${pick:red,green}",
    "${int:1..100}",
    "${zipf:1000}",
    "${hot:90%,1000}",
];

/// The largest range of `zipf` and `hot`: every number up to it is an exact `f64`.
const MOST_KEYS: u64 = 1 << 52;

/// A value that differs from record to record.
#[derive(Debug, Clone)]
pub(super) enum Placeholder {
    Sequence,
    Uuid,
    Ksuid,
    /// RFC 3339.
    Time,
    /// Milliseconds since 1970.
    TimeMs,
    Pick(Vec<String>),
    Int(i64, i64),
    Zipf(Zipf<f64>),
    /// 1 with this probability, and otherwise a number from 2 to the second value.
    Hot(f64, u64),
}

/// What the values of one record come from.
pub(super) struct Values<'r> {
    pub(super) sequence: u64,
    pub(super) random: &'r mut ChaCha8Rng,
    pub(super) now: OffsetDateTime,
}

impl Placeholder {
    /// Reads what is between `${` and `}`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (name, arguments) = match text.split_once(':') {
            Some((name, arguments)) => (name.trim(), Some(arguments.trim())),
            None => (text.trim(), None),
        };
        match (name, arguments) {
            ("sequence", None) => Ok(Self::Sequence),
            ("uuid", None) => Ok(Self::Uuid),
            ("ksuid", None) => Ok(Self::Ksuid),
            ("time", None) => Ok(Self::Time),
            ("time", Some("ms")) => Ok(Self::TimeMs),
            ("pick", Some(list)) => Ok(Self::Pick(
                list.split(',').map(|item| item.trim().to_owned()).collect(),
            )),
            ("int", Some(range)) => int(range)
                .ok_or_else(|| expected(text, "the smallest and the largest number", "int:1..100")),
            ("zipf", Some(arguments)) => zipf(arguments).ok_or_else(|| {
                expected(
                    text,
                    "a number of keys, and optionally an exponent above 0",
                    "zipf:1000,1.2",
                )
            }),
            ("hot", Some(arguments)) => hot(arguments).ok_or_else(|| {
                expected(
                    text,
                    "the hot key's share and a number of keys, 2 or more",
                    "hot:90%,1000",
                )
            }),
            _ => Err(format!(
                "unknown placeholder ${{{text}}}; expected one of {}",
                PLACEHOLDERS.join(", ")
            )),
        }
    }

    /// Whether a JSON string that is nothing but this placeholder becomes a number.
    pub(super) fn is_number(&self) -> bool {
        match self {
            Self::Sequence | Self::TimeMs | Self::Int(..) | Self::Zipf(_) | Self::Hot(..) => true,
            Self::Uuid | Self::Ksuid | Self::Time | Self::Pick(_) => false,
        }
    }

    /// The value in one record.
    pub(super) fn value(&self, values: &mut Values<'_>) -> String {
        let Values {
            sequence,
            random,
            now,
        } = values;
        match self {
            Self::Sequence => sequence.to_string(),
            Self::Uuid => Builder::from_random_bytes(random.random())
                .into_uuid()
                .to_string(),
            Self::Ksuid => {
                let payload: [u8; 16] = random.random();
                Ksuid::new(Some(*now), Some(&payload)).to_string()
            }
            // A time of today has this form.
            Self::Time => now.format(&Rfc3339).unwrap_or_default(),
            Self::TimeMs => (now.unix_timestamp_nanos() / 1_000_000).to_string(),
            Self::Pick(items) => items[random.random_range(0..items.len())].clone(),
            Self::Int(from, to) => random.random_range(*from..=*to).to_string(),
            Self::Zipf(zipf) => format!("{:.0}", zipf.sample(random)),
            Self::Hot(share, _) if random.random_bool(*share) => "1".to_owned(),
            Self::Hot(_, keys) => random.random_range(2..=*keys).to_string(),
        }
    }
}

fn expected(text: &str, what: &str, example: &str) -> String {
    format!("${{{text}}}: expected {what}, such as ${{{example}}}")
}

fn int(range: &str) -> Option<Placeholder> {
    let (from, to) = range.split_once("..")?;
    let (from, to) = (from.trim().parse().ok()?, to.trim().parse().ok()?);
    (from <= to).then_some(Placeholder::Int(from, to))
}

fn zipf(arguments: &str) -> Option<Placeholder> {
    let (keys, exponent) = arguments.split_once(',').unwrap_or((arguments, "1"));
    let exponent: f64 = exponent.trim().parse().ok()?;
    let keys = number_of_keys(keys, 1)?;
    if exponent <= 0.0 || !exponent.is_finite() {
        return None;
    }
    #[allow(clippy::cast_precision_loss)] // at most MOST_KEYS
    Zipf::new(keys as f64, exponent).ok().map(Placeholder::Zipf)
}

fn hot(arguments: &str) -> Option<Placeholder> {
    let (share, keys) = arguments.split_once(',')?;
    let percent: f64 = share.trim().strip_suffix('%')?.trim().parse().ok()?;
    let keys = number_of_keys(keys, 2)?;
    (0.0..=100.0)
        .contains(&percent)
        .then_some(Placeholder::Hot(percent / 100.0, keys))
}

fn number_of_keys(text: &str, least: u64) -> Option<u64> {
    let keys = text.trim().parse().ok()?;
    (least..=MOST_KEYS).contains(&keys).then_some(keys)
}
