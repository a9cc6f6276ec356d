//! Conditions on a report, such as `p99<20ms`.

use std::{fmt::Write, str::FromStr};

use serde::Serialize;

use super::report::Report;

/// What a name stands for in a report; `None` where nothing counts it.
type Value = fn(&Report) -> Option<f64>;

/// How values of a name are written.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// A number.
    Count,
    /// A number, or its share of this one.
    ShareOf(Value),
    /// Milliseconds.
    Time,
    /// Records per second.
    Rate,
}

/// A value of the report that a condition can name.
#[derive(Debug, Clone, Copy)]
struct Name {
    name: &'static str,
    kind: Kind,
    value: Value,
}

macro_rules! names {
    ($($name:literal $kind:expr, $value:expr;)*) => {
        [$(Name { name: $name, kind: $kind, value: $value }),*]
    };
}

const PRODUCED: Kind = Kind::ShareOf(|report| Some(number(report.records.produced)));
const GETS: Kind = Kind::ShareOf(|report| Some(number(report.cache_requests?.get)));

/// Every name, in the order of messages.
const NAMES: [Name; 27] = names! {
    "lost" PRODUCED, |report| Some(number(report.records.lost));
    "discarded" PRODUCED, |report| Some(number(report.records.discarded));
    "refused" PRODUCED, |report| Some(number(report.records.refused));
    "failed" PRODUCED, |report| Some(number(report.records.failed));
    "filtered" PRODUCED, |report| Some(number(report.records.filtered));
    "retries" PRODUCED, |report| Some(number(report.records.retries));
    "processed" PRODUCED, |report| Some(number(report.records.processed));
    "produced" Kind::Count, |report| Some(number(report.records.produced));
    "throughput" Kind::Rate, |report| Some(report.throughput);
    "p50" Kind::Time, |report| measured(report, report.latency_ms.write_to_read.p50);
    "p90" Kind::Time, |report| measured(report, report.latency_ms.write_to_read.p90);
    "p99" Kind::Time, |report| measured(report, report.latency_ms.write_to_read.p99);
    "max" Kind::Time, |report| measured(report, report.latency_ms.write_to_read.max);
    "invoke.p50" Kind::Time, |report| invoked(report, report.latency_ms.invoke.p50);
    "invoke.p90" Kind::Time, |report| invoked(report, report.latency_ms.invoke.p90);
    "invoke.p99" Kind::Time, |report| invoked(report, report.latency_ms.invoke.p99);
    "invoke.max" Kind::Time, |report| invoked(report, report.latency_ms.invoke.max);
    "start" Kind::Time, |report| Some(report.startup_ms);
    "cache.get" Kind::Count, |report| Some(number(report.cache_requests?.get));
    "cache.hit" GETS, |report| Some(number(report.cache_requests?.hit));
    "cache.miss" GETS, |report| Some(number(report.cache_requests?.miss));
    "cache.set" Kind::Count, |report| Some(number(report.cache_requests?.set));
    "cache.error" GETS, |report| Some(number(report.cache_requests?.error));
    "store.reads" Kind::Count, |report| report.store_reads.map(number);
    "invocations" Kind::Count, |report| Some(number(report.invocations));
    "cold_starts" Kind::Count, |report| report.cold_starts.map(number);
    "throttled" Kind::Count, |report| Some(number(report.throttled?.records()));
};

/// What every run has to meet, unless a condition of its own says otherwise of the name.
const DEFAULTS: [&str; 4] = ["lost=0", "discarded=0", "refused=0", "produced>0"];

/// Compares a value with a bound.
type Comparison = fn(f64, f64) -> bool;

/// The operators; the longer ones first, for the search.
const OPERATORS: [(&str, Comparison); 6] = [
    ("<=", |value, bound| value <= bound),
    (">=", |value, bound| value >= bound),
    ("==", |value, bound| same(value, bound)),
    ("<", |value, bound| value < bound),
    (">", |value, bound| value > bound),
    ("=", |value, bound| same(value, bound)),
];

/// A condition on one value of a report.
#[derive(Debug, Clone)]
pub struct Condition {
    text: String,
    name: Name,
    holds: Comparison,
    bound: f64,
    /// The bound is a share, in percent.
    is_share: bool,
}

/// A condition, and whether a run met it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// The condition, as it was written.
    pub condition: String,
    /// The run's value, with its unit; `None` where nothing counts it.
    pub actual: Option<String>,
    /// Whether the run met it.
    pub passed: bool,
}

impl Condition {
    /// Checks a report.
    #[must_use]
    pub fn check(&self, report: &Report) -> Checked {
        let value = (self.name.value)(report);
        let value = match (value, self.name.kind) {
            (Some(part), Kind::ShareOf(whole)) if self.is_share => {
                let whole = whole(report).filter(|whole| *whole > 0.0);
                whole.map(|whole| part / whole * 100.0)
            }
            (value, _) => value,
        };
        Checked {
            condition: self.text.clone(),
            actual: value.map(|value| self.written(value)),
            passed: value.is_some_and(|value| (self.holds)(value, self.bound)),
        }
    }

    fn written(&self, value: f64) -> String {
        match self.name.kind {
            Kind::ShareOf(_) if self.is_share => format!("{value:.2}%"),
            Kind::Time => format!("{value:.2} ms"),
            Kind::Rate => format!("{value:.0} records/s"),
            Kind::Count | Kind::ShareOf(_) => format!("{value:.0}"),
        }
    }
}

impl FromStr for Condition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = OPERATORS
            .iter()
            .filter_map(|(operator, holds)| Some((text.find(operator)?, operator, holds)));
        // The first place, and there the longest operator.
        let Some((at, operator, holds)) = found.min_by_key(|(at, ..)| *at) else {
            return Err(format!(
                "expected a condition such as p99<20ms; {}",
                names()
            ));
        };
        let (name, bound) = (text[..at].trim(), text[at + operator.len()..].trim());
        let Some(name) = NAMES.iter().find(|known| known.name == name) else {
            return Err(format!("unknown name {name:?}; {}", names()));
        };
        let share = bound.strip_suffix('%').map(str::trim);
        let share = share.filter(|_| matches!(name.kind, Kind::ShareOf(_)));
        let parsed = match (name.kind, share) {
            (Kind::Time, _) => milliseconds(bound),
            (_, Some(share)) => share.parse().ok(),
            (_, None) => bound.parse().ok(),
        };
        let bound = parsed.filter(|bound: &f64| bound.is_finite() && *bound >= 0.0);
        Ok(Self {
            text: text.to_owned(),
            name: *name,
            holds: *holds,
            bound: bound.ok_or_else(|| expected(name))?,
            is_share: share.is_some(),
        })
    }
}

/// All conditions of a run: its own, and every run's that they do not replace.
#[must_use]
pub fn with_defaults(own: &[Condition]) -> Vec<Condition> {
    let defaults = DEFAULTS.iter().filter_map(|text| text.parse().ok());
    let defaults = defaults.filter(|default: &Condition| {
        own.iter().all(|one| {
            let (one, default) = (one.name.name, default.name.name);
            // `failed` is both.
            one != default && !(one == "failed" && ["discarded", "refused"].contains(&default))
        })
    });
    defaults.chain(own.iter().cloned()).collect()
}

/// The names, for messages and help.
#[must_use]
pub fn names() -> String {
    let mut text = "names: ".to_owned();
    for (index, name) in NAMES.iter().enumerate() {
        let comma = if index > 0 { ", " } else { "" };
        // Writing to a string cannot fail.
        let _ = write!(text, "{comma}{}", name.name);
    }
    text
}

fn expected(name: &Name) -> String {
    let name = name.name;
    match NAMES.iter().find(|known| known.name == name) {
        Some(Name {
            kind: Kind::Time, ..
        }) => format!("{name} is a time: expected a number and a unit, such as {name}<20ms"),
        Some(Name {
            kind: Kind::ShareOf(_),
            ..
        }) => format!("expected a number or a share, such as {name}<10 or {name}<1%"),
        _ => format!("expected a number, such as {name}>1000"),
    }
}

/// `20ms`, `1.5s` or `800us`.
fn milliseconds(text: &str) -> Option<f64> {
    let units = [("ms", 1.0), ("us", 1e-3), ("µs", 1e-3), ("s", 1e3)];
    let (unit, factor) = units.iter().find(|(unit, _)| text.ends_with(unit))?;
    let number: f64 = text.strip_suffix(unit)?.trim().parse().ok()?;
    Some(number * factor)
}

/// A latency, if there is one: a run without a processed record has none.
fn measured(report: &Report, milliseconds: f64) -> Option<f64> {
    let from = report.latency_from;
    (from.write_time + from.arrival > 0).then_some(milliseconds)
}

fn invoked(report: &Report, milliseconds: f64) -> Option<f64> {
    (report.invocations > 0).then_some(milliseconds)
}

#[allow(clippy::cast_precision_loss)] // counts of a run are far below 2^52
fn number(count: u64) -> f64 {
    count as f64
}

#[allow(clippy::float_cmp)] // counts, which are exact; for others, the user asks for it
fn same(value: f64, bound: f64) -> bool {
    value == bound
}
