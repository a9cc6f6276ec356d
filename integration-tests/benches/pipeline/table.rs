//! The Markdown of a group's runs.

use std::fmt::Write as _;

use crate::{
    checkout::Checkout,
    run::Run,
    settings::{Figures, Group},
};

/// A figure of one run.
type Figure = fn(&Run) -> f64;

const LATENCY: [(&str, usize, Figure); 6] = [
    ("p50 (ms)", 2, |run| latency(run, "write_to_read", "p50")),
    ("p90 (ms)", 2, |run| latency(run, "write_to_read", "p90")),
    ("p99 (ms)", 2, |run| latency(run, "write_to_read", "p99")),
    ("invocation, p50 (ms)", 2, |run| {
        latency(run, "invoke", "p50")
    }),
    ("start (ms)", 0, |run| number(run, "/startup_ms")),
    ("CPU per record (µs)", 0, |run| {
        run.cpu * 1e6 / records(run)
    }),
];

const THROUGHPUT: [(&str, usize, Figure); 6] = [
    ("records/s", 0, |run| {
        records(run) * 1e3 / number(run, "/elapsed_ms")
    }),
    ("invocations", 0, |run| number(run, "/invocations")),
    ("cache gets", 0, |run| number(run, "/cache_requests/get")),
    ("CPU per record (µs)", 1, |run| {
        run.cpu * 1e6 / records(run)
    }),
    ("of it, klocal's own (µs)", 1, |run| {
        run.tool_cpu * 1e6 / records(run)
    }),
    ("klocal's peak memory (MiB)", 0, |run| run.memory),
];

/// A heading, a note, and a table with a row for each setting and checkout.
pub fn markdown(group: &Group, checkouts: &[Checkout], runs: &[Vec<Vec<Run>>]) -> String {
    let columns = match group.figures {
        Figures::Latency => &LATENCY,
        Figures::Throughput | Figures::Growth => &THROUGHPUT,
    };
    let growth = group.figures == Figures::Growth;
    let several = checkouts.len() > 1;
    let mut text = format!("### {}\n\n{}", group.title, group.note);
    let repeats = group.settings.iter().any(|setting| setting.runs > 1);
    let what = if repeats {
        "rounds, within which the shorter runs are repeated: the cores slow down after some seconds of work"
    } else {
        "runs"
    };
    let _ = writeln!(text, " Medians of {} {what}.\n", group.rounds);
    let mut titles: Vec<_> = columns.iter().map(|(title, ..)| *title).collect();
    if growth {
        titles.push("CPU per further record (µs)");
    }
    let _ = writeln!(text, "| | {} |", titles.join(" | "));
    let _ = writeln!(text, "|---|{}", "---|".repeat(titles.len()));
    for (row, (setting, of_setting)) in group.settings.iter().zip(runs).enumerate() {
        for (at, (checkout, of_checkout)) in checkouts.iter().zip(of_setting).enumerate() {
            let mut name = setting.name.clone();
            if several {
                let _ = write!(name, ": {}", checkout.name);
            }
            let mut cells: Vec<_> = columns
                .iter()
                .map(|(_, decimals, figure)| cell(of_checkout, *decimals, *figure))
                .collect();
            if growth {
                let above = row.checked_sub(1).map(|above| &runs[above][at]);
                cells.push(further(above.map_or(&[][..], |above| above), of_checkout));
            }
            let _ = writeln!(text, "| {name} | {} |", cells.join(" | "));
        }
    }
    text.push('\n');
    text
}

fn cell(runs: &[Run], decimals: usize, figure: Figure) -> String {
    median(runs, figure).map_or_else(|| "–".to_owned(), |median| format!("{median:.decimals$}"))
}

/// The CPU time of each record that `runs` have more than the runs `above`.
fn further(above: &[Run], runs: &[Run]) -> String {
    let between = |figure: Figure| Some(median(runs, figure)? - median(above, figure)?);
    let cost = |seconds: f64| Some(seconds * 1e6 / between(records)?);
    let cost = between(|run| run.cpu).and_then(cost);
    cost.map_or_else(|| "–".to_owned(), |cost| format!("{cost:.1}"))
}

fn median(runs: &[Run], figure: Figure) -> Option<f64> {
    let mut values: Vec<_> = runs.iter().map(figure).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

fn latency(run: &Run, what: &str, quantile: &str) -> f64 {
    number(run, &format!("/latency_ms/{what}/{quantile}"))
}

fn records(run: &Run) -> f64 {
    number(run, "/records/processed")
}

fn number(run: &Run, pointer: &str) -> f64 {
    let value = run.report.pointer(pointer);
    value
        .and_then(serde_json::Value::as_f64)
        .unwrap_or(f64::NAN)
}
