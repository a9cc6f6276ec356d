//! The short form of a rule, for command lines:
//! `FAULT[,call=Get+Set][,count=N][,probability=P]`.

use std::{fmt, str::FromStr};

use super::{Fault, FaultRule, plan::unknown_call};

/// The kinds of fault, for messages.
const FAULTS: &str = "error=CODE, latency=20ms, latency=5ms..80ms, latency=p50:2ms/p99:50ms, \
                      rate-limit=PER_SECOND, drop, black-hole, auth or cache-missing";

impl FromStr for FaultRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split(',');
        let mut rule = Self::from(parts.next().unwrap_or_default().parse::<Fault>()?);
        for part in parts {
            match part.split_once('=') {
                Some(("call", calls)) if !calls.is_empty() => {
                    rule.calls.extend(calls.split('+').map(str::to_owned));
                }
                Some(("count", count)) => {
                    let what = |_| format!("count={count}: expected a whole number");
                    rule.count = Some(count.parse().map_err(what)?);
                }
                Some(("probability", probability)) => {
                    let what = |_| format!("probability={probability}: expected 0 to 1");
                    rule.probability = Some(probability.parse().map_err(what)?);
                }
                _ => {
                    return Err(format!(
                        "{part:?}: expected call=NAME, count=N or probability=P"
                    ));
                }
            }
        }
        if let Some(name) = rule.unknown_call() {
            return Err(unknown_call(name));
        }
        match rule.out_of_range() {
            Some(what) => Err(what.to_owned()),
            None => Ok(rule),
        }
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, value) = text.split_once('=').unwrap_or((text, ""));
        Ok(match (kind, value) {
            ("error", code) => Self::error(code.parse()?),
            ("latency", delay) => latency(delay)?,
            ("rate-limit", rate) => Self::RateLimit {
                per_second: rate
                    .parse()
                    .map_err(|_| format!("rate-limit={rate}: expected calls per second"))?,
            },
            ("drop", "") => Self::DropConnection,
            ("black-hole", "") => Self::BlackHole,
            ("auth", "") => Self::AuthFailure,
            ("cache-missing", "") => Self::CacheMissing,
            _ => return Err(format!("unknown fault {text:?}; expected {FAULTS}")),
        })
    }
}

fn latency(text: &str) -> Result<Fault, String> {
    let ms = |text: &str| {
        let number = text
            .strip_suffix("ms")
            .and_then(|ms| ms.parse::<f64>().ok());
        number.ok_or_else(|| format!("{text:?}: expected milliseconds, such as 20ms"))
    };
    let percentiles = text
        .strip_prefix("p50:")
        .and_then(|text| text.split_once("/p99:"));
    Ok(if let Some((p50, p99)) = percentiles {
        Fault::LatencyLognormal {
            p50_ms: ms(p50)?,
            p99_ms: ms(p99)?,
        }
    } else if let Some((min, max)) = text.split_once("..") {
        Fault::LatencyUniform {
            min_ms: ms(min)?,
            max_ms: ms(max)?,
        }
    } else {
        Fault::Latency { ms: ms(text)? }
    })
}

impl fmt::Display for FaultRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.fault)?;
        if !self.calls.is_empty() {
            write!(f, ",call={}", self.calls.join("+"))?;
        }
        if let Some(count) = self.count {
            write!(f, ",count={count}")?;
        }
        if let Some(probability) = self.probability {
            write!(f, ",probability={probability}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error { code, .. } => write!(f, "error={code}"),
            Self::Latency { ms } => write!(f, "latency={ms}ms"),
            Self::LatencyUniform { min_ms, max_ms } => write!(f, "latency={min_ms}ms..{max_ms}ms"),
            Self::LatencyLognormal { p50_ms, p99_ms } => {
                write!(f, "latency=p50:{p50_ms}ms/p99:{p99_ms}ms")
            }
            Self::DropConnection => f.write_str("drop"),
            Self::BlackHole => f.write_str("black-hole"),
            Self::RateLimit { per_second } => write!(f, "rate-limit={per_second}"),
            Self::AuthFailure => f.write_str("auth"),
            Self::CacheMissing => f.write_str("cache-missing"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::FaultRule;

    #[test]
    fn every_rule_is_parsed_from_its_own_text() {
        for text in [
            "error=UNAVAILABLE",
            "error=NOT_FOUND,call=Get+Set,count=3,probability=0.5",
            "latency=20ms",
            "latency=0.5ms..80ms,call=Get",
            "latency=p50:2ms/p99:50ms",
            "rate-limit=100",
            "drop,count=1",
            "black-hole",
            "auth",
            "cache-missing",
        ] {
            let rule: FaultRule = text.parse().unwrap();
            assert_eq!(rule.to_string(), text);
        }
    }

    #[test]
    fn an_invalid_rule_is_refused_with_the_expected_form() {
        for (text, says) in [
            ("", "unknown fault \"\"; expected error=CODE"),
            ("error=BROKEN", "unknown gRPC status \"BROKEN\""),
            ("latency=20", "\"20\": expected milliseconds, such as 20ms"),
            ("latency=9ms..1ms", "the lower bound first"),
            ("latency=p50:0ms/p99:1ms", "expected p50 above 0 ms"),
            ("drop=1", "unknown fault \"drop=1\""),
            ("auth,often", "\"often\": expected call=NAME"),
            (
                "auth,call=Get+Bogus",
                "unknown call \"Bogus\"; expected the",
            ),
            ("auth,call=get", "unknown call \"get\""),
            ("auth,count=-1", "count=-1: expected a whole number"),
            ("auth,probability=2", "expected a probability of 0 to 1"),
            ("rate-limit=-1", "expected a rate limit of 0 to"),
        ] {
            let error = text.parse::<FaultRule>().unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
