//! Durations and times on the command line.

use std::time::Duration;

use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Units of a duration, in milliseconds; `ms` before `s` and `m`, which it ends or begins
/// with.
const UNITS: [(&str, f64); 5] = [
    ("ms", 1.0),
    ("s", 1e3),
    ("m", 60e3),
    ("h", 3_600e3),
    ("d", 86_400e3),
];

/// A duration such as `90s` or `10m`.
///
/// # Errors
///
/// It is not one, or zero.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let expected = || "expected a number and a unit (ms, s, m, h or d), such as 10m".to_owned();
    let unit = UNITS.iter().find(|(unit, _)| text.ends_with(unit));
    let (unit, factor) = unit.ok_or_else(expected)?;
    let number = text.strip_suffix(unit).unwrap_or_default().trim();
    let number: f64 = number.parse().map_err(|_| expected())?;
    let duration = Duration::try_from_secs_f64(number * factor / 1e3);
    match duration {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err(expected()),
    }
}

/// A time: so long ago, such as `10m`, or in the form of RFC 3339.
///
/// # Errors
///
/// It is not one.
pub(super) fn time(text: &str) -> Result<OffsetDateTime, String> {
    if let Ok(time) = OffsetDateTime::parse(text, &Rfc3339) {
        return Ok(time);
    }
    let ago = duration(text).ok();
    let ago = ago.and_then(|ago| OffsetDateTime::now_utc().checked_sub(ago.try_into().ok()?));
    ago.ok_or_else(|| {
        "expected how long ago, such as 10m, or a time such as 2026-11-26T03:00:00Z".to_owned()
    })
}

/// Records per second.
///
/// # Errors
///
/// It is not a number, or too small.
pub(super) fn records_per_second(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate.is_finite() && rate >= 0.001 => Ok(rate),
        _ => Err("expected records per second, 0.001 or more, such as 100".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{duration, time};
    use std::time::Duration;

    #[test]
    fn a_duration_has_a_unit() {
        for (text, seconds) in [
            ("250ms", 0.25),
            ("90s", 90.0),
            ("1.5m", 90.0),
            ("2h", 7200.0),
        ] {
            assert_eq!(duration(text).unwrap(), Duration::from_secs_f64(seconds));
        }
        for text in ["10", "m", "0s", "-1s", "1w", "nans", ""] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_time_is_absolute_or_so_long_ago() {
        let absolute = time("2026-11-26T03:00:00+01:00").unwrap();
        assert_eq!(absolute.unix_timestamp(), 1_795_658_400);
        assert!(time("10m").unwrap() < time("1s").unwrap());
        assert!(time("yesterday").is_err());
    }
}
