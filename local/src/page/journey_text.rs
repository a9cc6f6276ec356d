//! A journey as lines of text: what happened when, how long it took, and what was in it.

use std::fmt::Write;

use serde_json::Value;

use super::journey::{Journey, REDRIVEN, Step};
use crate::terminal::{parse, units::printable};

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
    // A redrive, minutes later, would flatten all bars: it stands at the end.
    let (late, steps): (Vec<_>, Vec<_>) =
        journey.steps.iter().partition(|step| step.kind == REDRIVEN);
    let settled = if late.is_empty() { latest(record) } else { 0.0 };
    let whole = steps.into_iter().map(end).fold(settled, f64::max);
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
    let (title, details) = words(step);
    let mut title = cut(&printable(&title));
    if let Some(outcome) = &step.outcome {
        let _ = write!(title, ": {}", printable(outcome));
    }
    if let Some(environment) = step.environment.filter(|_| step.kind == "invocation") {
        let _ = write!(title, ", environment {environment}");
    }
    let _ = writeln!(out, "{at:>12} {took:>10}  |{bar}|  {kind:<12}  {title}");
    for detail in details.iter().flat_map(|details| details.lines()) {
        let indent = " ".repeat(12 + 1 + 10 + 2 + BAR + 2 + 2 + 12 + 2 + 2);
        let _ = writeln!(out, "{indent}{}", cut(&printable(detail)));
    }
    for child in &step.children {
        line(out, child, depth + 1, whole);
    }
}

/// The title and the details of a step. Of a log line these are its level, message and
/// fields, and its stack trace; the fields that are rarely read are only in `--json`.
fn words(step: &Step) -> (String, Option<String>) {
    if step.kind != "log" {
        return (step.title.clone(), step.detail.clone());
    }
    let log = parse(&step.title);
    let level = match log.level {
        _ if log.metrics => "metrics",
        Some(level) => level.name(),
        None => "",
    };
    let fields = log
        .fields
        .iter()
        .map(|(name, value)| format!("{name}={value}"));
    let parts = [level.to_owned(), log.message].into_iter().chain(fields);
    let parts: Vec<_> = parts.filter(|part| !part.is_empty()).collect();
    (parts.join("  "), log.trace)
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::journey::Command;
    use super::*;

    #[test]
    fn a_log_line_is_shown_in_its_parts() {
        let log = |at, line: Value| Step {
            kind: "log".to_owned(),
            at,
            title: line
                .as_str()
                .map_or_else(|| line.to_string(), str::to_owned),
            ..Step::default()
        };
        let metrics = json!({"_aws": {"Timestamp": 1, "CloudWatchMetrics": [{
            "Namespace": "Orders", "Dimensions": [[]], "Metrics": [{"Name": "CacheHits"}],
        }]}, "CacheHits": 3});
        let invocation = Step {
            kind: "invocation".to_owned(),
            at: 0.4,
            duration_ms: Some(3.2),
            title: "Invocation 1 of orders".to_owned(),
            outcome: Some("error".to_owned()),
            environment: Some(1),
            detail: Some("OrderError: no such order".to_owned()),
            children: vec![
                log(0.5, json!("a line of text")),
                log(
                    0.9,
                    json!({"level": "INFO", "timestamp": "2026-01-01T00:00:00Z",
                    "fields": {"message": "looked up", "key": "order-1"}, "target": "orders"}),
                ),
                log(1.5, metrics),
                log(
                    3.1,
                    json!({"level": "ERROR", "message": "no such order",
                    "stack_trace": "at lookup\nat handler"}),
                ),
            ],
            ..Step::default()
        };
        let journey = Journey {
            record: json!({"sequenceNumber": "17", "stream": "orders", "shard": "shardId-000000000000",
                "partitionKey": "k", "preview": "{}", "status": "discarded", "tries": 1}),
            steps: vec![invocation],
            command: Command {
                put: "klocal put --stream orders {}".to_owned(),
            },
        };
        insta::assert_snapshot!(render(&journey));
    }
}
