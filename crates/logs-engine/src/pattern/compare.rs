//! What a value is compared with, and how.

use regex_lite::{Regex, RegexBuilder};
use serde_json::Value;

use super::PatternError;

/// Most bytes that a compiled regular expression takes.
const MAX_REGEX: usize = 256 * 1024;

/// `=`, `<` and the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// What stands on the right side.
#[derive(Debug)]
pub(super) enum Operand {
    Number(f64),
    /// In quotation marks: only a string equals it.
    Quoted(Wildcards),
    /// A bare word: the text of any scalar equals it.
    Word(Wildcards),
    Regex(Regex),
}

/// Text in which `*` stands for any text.
#[derive(Debug)]
pub(super) struct Wildcards(Vec<String>);

impl Wildcards {
    pub(super) fn new(text: &str) -> Self {
        Self(text.split('*').map(str::to_owned).collect())
    }

    fn matches(&self, text: &str) -> bool {
        let [first, between @ .., last] = self.0.as_slice() else {
            // Without a `*` there is one piece.
            return self.0.first().is_some_and(|whole| whole == text);
        };
        let Some(mut text) = text.strip_prefix(first.as_str()) else {
            return false;
        };
        for piece in between {
            let Some(at) = text.find(piece.as_str()) else {
                return false;
            };
            text = &text[at + piece.len()..];
        }
        text.ends_with(last.as_str())
    }
}

/// Whether `value OPERATOR operand` is true. A list or an object compares with nothing.
pub(super) fn json(value: &Value, operator: Operator, operand: &Operand) -> bool {
    match (operand, value) {
        (Operand::Number(number), Value::Number(value)) => value
            .as_f64()
            .is_some_and(|value| ordered(value, operator, *number)),
        // Of different kinds: they differ, and no other comparison holds.
        (Operand::Number(_), Value::String(_) | Value::Bool(_))
        | (Operand::Quoted(_), Value::Number(_) | Value::Bool(_)) => operator == Operator::NotEqual,
        (Operand::Quoted(text) | Operand::Word(text), Value::String(value)) => {
            same(text.matches(value), operator)
        }
        (Operand::Word(text), Value::Number(value)) => {
            same(text.matches(&value.to_string()), operator)
        }
        (Operand::Word(text), Value::Bool(value)) => same(
            text.matches(if *value { "true" } else { "false" }),
            operator,
        ),
        (Operand::Regex(regex), Value::String(value)) => same(regex.is_match(value), operator),
        (Operand::Regex(regex), Value::Number(value)) => {
            same(regex.is_match(&value.to_string()), operator)
        }
        _ => false,
    }
}

/// Whether `field OPERATOR operand` is true, for a field of a text.
pub(super) fn text(field: &str, operator: Operator, operand: &Operand) -> bool {
    match operand {
        Operand::Number(number) => field
            .parse::<f64>()
            .map_or(operator == Operator::NotEqual, |field| {
                ordered(field, operator, *number)
            }),
        Operand::Quoted(text) | Operand::Word(text) => same(text.matches(field), operator),
        Operand::Regex(regex) => same(regex.is_match(field), operator),
    }
}

fn same(matches: bool, operator: Operator) -> bool {
    match operator {
        Operator::Equal => matches,
        Operator::NotEqual => !matches,
        _ => false,
    }
}

#[allow(
    clippy::float_cmp,
    reason = "numbers of a log are written, not computed"
)]
fn ordered(left: f64, operator: Operator, right: f64) -> bool {
    match operator {
        Operator::Equal => left == right,
        Operator::NotEqual => left != right,
        Operator::Less => left < right,
        Operator::LessOrEqual => left <= right,
        Operator::Greater => left > right,
        Operator::GreaterOrEqual => left >= right,
    }
}

/// The rest of a quoted text and what follows its end. `\"` and `\\` are escapes.
pub(super) fn quoted(text: &str) -> Result<(String, &str), PatternError> {
    let mut phrase = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Ok((phrase, &text[at + 1..])),
            '\\' => match characters.next() {
                Some((_, escaped @ ('"' | '\\'))) => phrase.push(escaped),
                Some((_, other)) => phrase.extend(['\\', other]),
                None => break,
            },
            other => phrase.push(other),
        }
    }
    Err(PatternError("a quotation mark is not closed".to_owned()))
}

/// A regular expression between `%` signs.
pub(super) fn regex(text: &str) -> Result<Regex, PatternError> {
    let regex = RegexBuilder::new(text).size_limit(MAX_REGEX).build();
    regex.map_err(|error| PatternError(format!("%{text}% is no regular expression: {error}")))
}
