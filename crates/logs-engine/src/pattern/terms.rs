//! Patterns for any text: `ERROR "not found" -healthy`, `?ERROR ?WARN`, `%5\d\d%`.

use regex_lite::Regex;

use super::{PatternError, compare};

/// Terms of a pattern.
#[derive(Debug, Default)]
pub(super) struct Terms {
    /// All of them are there.
    required: Vec<Term>,
    /// One of them is there. They count only in a pattern that has nothing else ("Match
    /// terms using `?`").
    optional: Vec<Term>,
    /// None is there.
    excluded: Vec<Term>,
}

#[derive(Debug)]
enum Term {
    Text(String),
    Regex(Regex),
}

impl Term {
    fn is_in(&self, message: &str) -> bool {
        match self {
            Self::Text(text) => message.contains(text.as_str()),
            Self::Regex(regex) => regex.is_match(message),
        }
    }
}

impl Terms {
    pub(super) fn parse(pattern: &str) -> Result<Self, PatternError> {
        let mut terms = Self::default();
        let mut rest = pattern.trim_start();
        while let Some(first) = rest.chars().next() {
            let prefix = Some(first).filter(|first| matches!(first, '-' | '?'));
            if prefix.is_some() {
                rest = &rest[1..];
            }
            let (term, after) = term(rest)?;
            match prefix {
                Some('-') => terms.excluded.push(term),
                Some(_) => terms.optional.push(term),
                None => terms.required.push(term),
            }
            rest = after.trim_start();
        }
        Ok(terms)
    }

    pub(super) fn matches(&self, message: &str) -> bool {
        let is_in = |term: &Term| term.is_in(message);
        let alone = self.required.is_empty() && self.excluded.is_empty();
        self.required.iter().all(is_in)
            && !self.excluded.iter().any(is_in)
            && (!alone || self.optional.iter().any(is_in))
    }
}

/// The first term of `text`, and what follows it.
fn term(text: &str) -> Result<(Term, &str), PatternError> {
    if let Some(quoted) = text.strip_prefix('"') {
        let (phrase, rest) = compare::quoted(quoted)?;
        return Ok((Term::Text(phrase), rest));
    }
    if let Some(regex) = text.strip_prefix('%')
        && let Some((regex, rest)) = regex.split_once('%')
    {
        return Ok((Term::Regex(compare::regex(regex)?), rest));
    }
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    if end == 0 {
        let message = "a - or ? has no term after it".to_owned();
        return Err(PatternError(message));
    }
    Ok((Term::Text(text[..end].to_owned()), &text[end..]))
}
