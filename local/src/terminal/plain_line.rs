//! Reads a log line that is text: its level, where a known logger wrote it.

use super::{Level, LogText, units::printable};

/// Reads a line.
pub(super) fn parse(text: &str) -> LogText {
    let text = printable(text);
    let (level, message) = lambda_python(&text)
        .or_else(|| lambda_node(&text))
        .or_else(|| tracing(&text))
        .unwrap_or_else(|| (level_word(&text), text.as_str()));
    LogText {
        level,
        message: message.to_owned(),
        ..LogText::default()
    }
}

/// `[ERROR] 2026-01-01T00:00:00.000Z request-id message`, of Lambda's Python runtime, which
/// separates by tabs: they are spaces here.
fn lambda_python(text: &str) -> Option<(Option<Level>, &str)> {
    let (word, rest) = text.strip_prefix('[')?.split_once("] ")?;
    let level = Level::of(word)?;
    let message = match rest.split_once(' ') {
        Some((first, rest)) if is_time(first) => after_id(rest),
        _ => rest,
    };
    Some((Some(level), message))
}

/// `2026-01-01T00:00:00.000Z request-id INFO message`, of Lambda's Node.js runtime.
fn lambda_node(text: &str) -> Option<(Option<Level>, &str)> {
    let (first, rest) = text.split_once(' ')?;
    let (id, rest) = rest.split_once(' ')?;
    let (word, message) = rest.split_once(' ')?;
    let known = is_time(first) && (is_id(id) || id == "undefined");
    known.then_some((Some(Level::of(word)?), message))
}

/// `2026-01-01T00:00:00.000000Z  INFO target: message`, of tracing.
fn tracing(text: &str) -> Option<(Option<Level>, &str)> {
    let (first, rest) = text.split_once(' ')?;
    let (word, message) = rest.trim_start().split_once(' ')?;
    let level = is_time(first).then(|| Level::of(word))??;
    Some((Some(level), message))
}

/// The level that a line begins with, in capitals: `ERROR message`, `WARNING: message`.
fn level_word(text: &str) -> Option<Level> {
    let word = text.trim_start_matches('[').split([' ', ':', ']']).next()?;
    let is_word = word.len() > 3 && word.chars().all(|one| one.is_ascii_uppercase());
    is_word.then(|| Level::of(word)).flatten()
}

fn after_id(text: &str) -> &str {
    match text.split_once(' ') {
        Some((id, rest)) if is_id(id) => rest,
        _ => text,
    }
}

/// Whether a word is a time in RFC 3339, roughly.
fn is_time(word: &str) -> bool {
    let bytes = word.as_bytes();
    bytes.len() >= 19 && bytes[4] == b'-' && bytes[10] == b'T' && bytes[13] == b':'
}

/// Whether a word is a UUID, roughly.
fn is_id(word: &str) -> bool {
    word.len() == 36
        && word
            .chars()
            .all(|one| one == '-' || one.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::{Level, parse};

    #[test]
    fn known_loggers_have_their_level_and_message() {
        let id = "8476a536-e9f4-11e8-9739-2dfe598c3fcd";
        for (text, level, message) in [
            (
                format!("[ERROR]\t2026-01-01T00:00:00.000Z\t{id}\tno such order"),
                Some(Level::Error),
                "no such order",
            ),
            (
                format!("2026-01-01T00:00:00.000Z\t{id}\tWARN\tslow"),
                Some(Level::Warn),
                "slow",
            ),
            (
                "2026-01-01T00:00:00.000000Z  INFO orders: ready".to_owned(),
                Some(Level::Info),
                "orders: ready",
            ),
            (
                "WARNING: deprecated".to_owned(),
                Some(Level::Warn),
                "WARNING: deprecated",
            ),
            ("\u{1b}[32mhello\u{1b}[0m".to_owned(), None, "hello"),
            (
                "Error in the middle".to_owned(),
                None,
                "Error in the middle",
            ),
        ] {
            let line = parse(&text);
            assert_eq!(
                (line.level, line.message.as_str()),
                (level, message),
                "{text}"
            );
        }
    }
}
