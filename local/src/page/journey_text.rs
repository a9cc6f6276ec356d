//! A journey as lines of text: what happened when, how long it took, and what was in it.

use std::fmt::Write;

use serde_json::Value;

use super::journey::{Journey, Step};
use crate::terminal::units::printable;

/// Characters of a bar.
const BAR: usize = 20;

/// Characters of a text that are shown.
const MOST: usize = 300;

/// The journey as text.
pub(super) fn render(journey: &Journey) -> String {
    let record = &journey.record;
    let text = |name: &str| printable(record[name].as_str().unwrap_or_default());
    let mut out = format!(
        "record    {}\nstream    {}, {}\nkey       {}\ndata      {}\nstatus    {}",
        text("sequenceNumber"),
        text("stream"),
        text("shard"),
        text("partitionKey"),
        cut(&text("preview")),
        text("status"),
    );
    if let Some(latency) = record["latencyMs"].as_f64() {
        let _ = write!(out, " after {}", milliseconds(latency));
    }
    let tries = record["tries"].as_u64().unwrap_or(0);
    let plural = if tries == 1 { "" } else { "s" };
    let _ = writeln!(out, ", {tries} invocation{plural}\n");
    let whole = journey.steps.iter().map(end).fold(0.0, f64::max);
    let whole = whole.max(latest(record));
    for step in &journey.steps {
        line(&mut out, step, 0, whole);
    }
    let _ = write!(
        out,
        "\nPut it again:\n  {}\n",
        printable(&journey.command.put)
    );
    out
}

fn latest(record: &Value) -> f64 {
    record["latencyMs"].as_f64().unwrap_or(0.0)
}

fn end(step: &Step) -> f64 {
    step.at + step.duration_ms.unwrap_or(0.0)
}

/// One line for a step, and one for each step in it.
fn line(out: &mut String, step: &Step, depth: usize, whole: f64) {
    let at = format!("+{}", milliseconds(step.at));
    let took = step.duration_ms.map(milliseconds).unwrap_or_default();
    let indent = "  ".repeat(depth);
    let bar = bar(step, whole);
    let kind = format!("{indent}{}", step.kind);
    let mut title = cut(&printable(&step.title));
    if let Some(outcome) = &step.outcome {
        let _ = write!(title, ": {}", printable(outcome));
    }
    if let Some(environment) = step.environment.filter(|_| step.kind == "invocation") {
        let _ = write!(title, ", environment {environment}");
    }
    let _ = writeln!(out, "{at:>12} {took:>10}  |{bar}|  {kind:<12}  {title}");
    for detail in step.detail.iter().flat_map(|detail| detail.lines()) {
        let indent = " ".repeat(12 + 1 + 10 + 2 + BAR + 2 + 2 + 12 + 2 + 2);
        let _ = writeln!(out, "{indent}{}", cut(&printable(detail)));
    }
    for child in &step.children {
        line(out, child, depth + 1, whole);
    }
}

/// Where a step is in the whole journey.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss
)]
fn bar(step: &Step, whole: f64) -> String {
    let place = |at: f64| {
        let share = if whole > 0.0 { at / whole } else { 0.0 };
        ((share * BAR as f64) as usize).min(BAR - 1)
    };
    let (start, end) = (place(step.at), place(end(step)));
    let mark = if step.duration_ms.is_some() { '=' } else { '.' };
    let cells = (0..BAR).map(|cell| {
        if (start..=end).contains(&cell) {
            mark
        } else {
            ' '
        }
    });
    cells.collect()
}

fn milliseconds(value: f64) -> String {
    match value {
        value if value < 10.0 => format!("{value:.2} ms"),
        value if value < 1000.0 => format!("{value:.1} ms"),
        value => format!("{:.2} s", value / 1000.0),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
