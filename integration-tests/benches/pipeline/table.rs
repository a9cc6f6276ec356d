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
        Figures::Throughput => &THROUGHPUT,
    };
    let several = checkouts.len() > 1;
    let mut text = format!("### {}\n\n{}", group.title, group.note);
    let _ = writeln!(text, " Medians of {} runs.\n", group.rounds);
    let titles: Vec<_> = columns.iter().map(|(title, ..)| *title).collect();
    let _ = writeln!(text, "| | {} |", titles.join(" | "));
    let _ = writeln!(text, "|---|{}", "---|".repeat(columns.len()));
    for (setting, runs) in group.settings.iter().zip(runs) {
        for (checkout, runs) in checkouts.iter().zip(runs) {
            let mut name = setting.name.clone();
            if several {
                let _ = write!(name, ": {}", checkout.name);
            }
            let cells: Vec<_> = columns
                .iter()
                .map(|(_, decimals, figure)| cell(runs, *decimals, *figure))
                .collect();
            let _ = writeln!(text, "| {name} | {} |", cells.join(" | "));
        }
    }
    text.push('\n');
    text
}

fn cell(runs: &[Run], decimals: usize, figure: Figure) -> String {
    let mut values: Vec<_> = runs.iter().map(figure).collect();
    values.sort_by(f64::total_cmp);
    values
        .get(values.len() / 2)
        .map_or_else(|| "–".to_owned(), |median| format!("{median:.decimals$}"))
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
