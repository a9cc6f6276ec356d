//! Keeps a terminal readable at any rate: what comes faster than a person reads is counted,
//! a line a second.

use std::collections::BTreeMap;

use super::Level;

/// Successful invocations of a function, its routine lines, and what went wrong, that are
/// shown in a second one by one.
const INVOCATIONS: u64 = 10;
const LINES: u64 = 20;
const TROUBLE: u64 = 20;

/// What went wrong is never only counted.
const TROUBLE_AT_LEAST: u64 = 3;

/// The counts of every function in the present second.
#[derive(Debug, Default)]
pub(super) struct Pace {
    second: i64,
    functions: BTreeMap<String, Counts>,
}

#[derive(Debug)]
struct Counts {
    invocations: Rate,
    lines: Rate,
    trouble: Rate,
    hidden: Hidden,
}

/// What was counted instead of shown, in one second of one function.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Hidden {
    /// Whether others of the same second were shown.
    pub(super) invocations_shown: bool,
    pub(super) lines_shown: bool,
    /// Successful invocations, and their records.
    pub(super) invocations: u64,
    pub(super) records: u64,
    /// Their shortest and longest duration, milliseconds.
    pub(super) durations: Option<(f64, f64)>,
    pub(super) failed_invocations: u64,
    pub(super) discarded_records: u64,
    /// Log lines by their level.
    pub(super) lines: BTreeMap<Level, u64>,
}

/// How many come in a second.
#[derive(Debug)]
struct Rate {
    most: u64,
    at_least: u64,
    seen: u64,
    /// There were too many in the second before: they are counted from the start.
    dense: bool,
}

impl Rate {
    fn new(most: u64, at_least: u64) -> Self {
        Self {
            most,
            at_least,
            seen: 0,
            dense: false,
        }
    }

    fn admits(&mut self) -> bool {
        self.seen += 1;
        self.seen <= if self.dense { self.at_least } else { self.most }
    }

    fn end(&mut self) {
        // Leaves the counting later than it enters it, so that it does not flicker.
        let most = if self.dense { self.most / 2 } else { self.most };
        self.dense = self.seen > most;
        self.seen = 0;
    }
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            invocations: Rate::new(INVOCATIONS, 0),
            lines: Rate::new(LINES, 0),
            trouble: Rate::new(TROUBLE, TROUBLE_AT_LEAST),
            hidden: Hidden::default(),
        }
    }
}

impl Pace {
    /// Ends the seconds before `second`. Returns what was counted in them, by function, and
    /// which second it was.
    pub(super) fn turn(&mut self, second: i64) -> Option<(i64, Vec<(String, Hidden)>)> {
        if second <= self.second {
            return None;
        }
        let ended = std::mem::replace(&mut self.second, second);
        let mut all = Vec::new();
        for (function, counts) in &mut self.functions {
            let mut hidden = std::mem::take(&mut counts.hidden);
            hidden.invocations_shown = !counts.invocations.dense;
            hidden.lines_shown = !counts.lines.dense;
            for rate in [
                &mut counts.invocations,
                &mut counts.lines,
                &mut counts.trouble,
            ] {
                rate.end();
            }
            if hidden.is_any() {
                all.push((function.clone(), hidden));
            }
        }
        Some((ended, all))
    }

    /// Whether a successful invocation is shown; otherwise it is counted.
    pub(super) fn invocation(&mut self, function: &str, records: u64, duration_ms: f64) -> bool {
        let counts = self.of(function);
        let shown = counts.invocations.admits();
        if !shown {
            let hidden = &mut counts.hidden;
            hidden.invocations += 1;
            hidden.records += records;
            let (least, most) = hidden.durations.unwrap_or((duration_ms, duration_ms));
            hidden.durations = Some((least.min(duration_ms), most.max(duration_ms)));
        }
        shown
    }

    /// Whether a log line is shown; otherwise it is counted.
    pub(super) fn line(&mut self, function: &str, level: Level) -> bool {
        let counts = self.of(function);
        let rate = if level >= Level::Warn {
            &mut counts.trouble
        } else {
            &mut counts.lines
        };
        let shown = rate.admits();
        if !shown {
            *counts.hidden.lines.entry(level).or_default() += 1;
        }
        shown
    }

    /// Whether a failed invocation is shown; otherwise it is counted.
    pub(super) fn failed(&mut self, function: &str) -> bool {
        let counts = self.of(function);
        let shown = counts.trouble.admits();
        counts.hidden.failed_invocations += u64::from(!shown);
        shown
    }

    /// Whether a discarded batch is shown; otherwise its records are counted.
    pub(super) fn discarded(&mut self, function: &str, records: u64) -> bool {
        let counts = self.of(function);
        let shown = counts.trouble.admits();
        counts.hidden.discarded_records += if shown { 0 } else { records };
        shown
    }

    fn of(&mut self, function: &str) -> &mut Counts {
        self.functions.entry(function.to_owned()).or_default()
    }
}

impl Hidden {
    fn is_any(&self) -> bool {
        self.invocations + self.failed_invocations + self.discarded_records > 0
            || !self.lines.is_empty()
    }
}
