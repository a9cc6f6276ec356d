//! Log lines of functions that tell of an error, for the report.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use serde_json::Value;

/// The most lines that are kept: the first ones.
const MOST: usize = 1_000;

/// Words by which a line tells of an error.
const ERRORS: [&str; 4] = ["\"ERROR\"", " ERROR ", "panicked", "Traceback"];

/// Words of warnings and errors: lines that a person wants to see.
const WARNINGS: [&str; 2] = ["\"WARN\"", " WARN "];

/// The first error lines of a run.
#[derive(Debug, Default)]
pub struct ErrorLines(Mutex<VecDeque<String>>);

impl ErrorLines {
    /// Keeps the line if it tells of an error. Returns whether it tells of an error or a
    /// warning.
    pub fn take(&self, line: &str) -> bool {
        let has = |word: &&str| line.contains(word);
        if !ERRORS.iter().any(has) {
            return WARNINGS.iter().any(has);
        }
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() < MOST {
            lines.push_back(line.to_owned());
        }
        true
    }

    /// The line about the record of this sequence number; without one, the first line.
    #[must_use]
    pub fn about(&self, sequence_number: &str) -> Option<String> {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let named = lines.iter().find(|line| line.contains(sequence_number));
        named.or(lines.front()).map(|line| message(line))
    }
}

/// The message and the error of a JSON line; any other line as it is.
fn message(line: &str) -> String {
    let Ok(document) = serde_json::from_str::<Value>(line) else {
        return line.trim().to_owned();
    };
    let field = |name: &str| {
        let nested = document.get("fields").and_then(|fields| fields.get(name));
        let value = document.get(name).or(nested)?;
        value.as_str().filter(|text| !text.is_empty())
    };
    match (field("message"), field("error")) {
        (Some(message), Some(error)) => format!("{message}: {error}"),
        (Some(text), None) | (None, Some(text)) => text.to_owned(),
        (None, None) => line.trim().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::ErrorLines;

    #[test]
    fn the_line_about_the_record_is_found_and_its_error_is_told() {
        let lines = ErrorLines::default();
        assert!(lines.take(r#"{"level":"ERROR","message":"another","sequence_number":"1"}"#));
        let about = r#"{"level":"ERROR","message":"record failed","error":"no location","sequence_number":"2"}"#;
        assert!(lines.take(about));
        assert!(lines.take("x WARN y"));
        assert!(!lines.take(r#"{"level":"INFO","sequence_number":"3"}"#));
        let about = |number| lines.about(number);
        assert_eq!(about("2").as_deref(), Some("record failed: no location"));
        assert_eq!(about("3").as_deref(), Some("another"), "the first error");
        assert_eq!(ErrorLines::default().about("1"), None);
    }
}
