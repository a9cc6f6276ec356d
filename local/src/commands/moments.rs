//! Durations and times on the command line.

use std::time::Duration;

use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// A duration such as `90s` or `10m`.
///
/// # Errors
///
/// It is not one, or zero.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err("expected a duration with its unit, such as 10s, 5m, 24h or 1h30m".to_owned()),
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
        for text in ["10", "m", "0s", "-1s", "1x", "nans", ""] {
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
