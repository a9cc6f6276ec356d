//! Lines of what a terminal has as counts.

use std::fmt::Write;

use time::OffsetDateTime;

use super::{
    Line,
    colours::{BAD, BAD_BOLD, DIM, GOOD, PLAIN},
    describe::Layout,
    pace::Hidden,
    units::{count, duration, number},
};

/// Lines of what was counted in a second.
pub(super) fn counted(
    layout: Layout,
    time: OffsetDateTime,
    function: &str,
    hidden: &Hidden,
) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut add = |tag, text: String| {
        let mut line = layout.begin(time, function, tag);
        line.push(PLAIN, text);
        lines.push(line);
    };
    let more = |shown| if shown { "more " } else { "" };
    if hidden.invocations > 0 {
        let mut text = count(
            hidden.invocations,
            &format!("{}invocation", more(hidden.invocations_shown)),
        );
        if hidden.records > 0 {
            // Writing to a string cannot fail.
            let _ = write!(text, "  {}", count(hidden.records, "record"));
        }
        if let Some((least, most)) = hidden.durations {
            let _ = write!(text, "  {} to {}", duration(least), duration(most));
        }
        add((GOOD, "ok"), text);
    }
    if hidden.failed_invocations > 0 {
        let text = count(hidden.failed_invocations, "more failed invocation");
        add((BAD_BOLD, "error"), text);
    }
    if hidden.discarded_records > 0 {
        let text = count(hidden.discarded_records, "more record");
        add((BAD, "discarded"), text);
    }
    if !hidden.lines.is_empty() {
        let all = hidden.lines.values().sum();
        let mut text = count(all, &format!("{}line", more(hidden.lines_shown)));
        for (level, lines) in hidden.lines.iter().rev() {
            let _ = write!(text, "  {} {}", level.name(), number(*lines));
        }
        add((DIM, "logged"), text);
    }
    lines
}
