//! The words of a pattern in braces or brackets.

use super::{
    PatternError,
    compare::{self, Operand, Operator, Wildcards},
};

/// Reads a pattern from its beginning to its end.
#[derive(Debug)]
pub(super) struct Lexer<'a> {
    rest: &'a str,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            rest: text.trim_start(),
        }
    }

    /// Reads `token`, if it is next.
    pub(super) fn take(&mut self, token: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(token) else {
            return false;
        };
        self.rest = rest.trim_start();
        true
    }

    /// Reads a word in capitals or not, if it is next and ends there.
    pub(super) fn take_word(&mut self, word: &str) -> bool {
        let found = self.rest.get(..word.len());
        if !found.is_some_and(|found| found.eq_ignore_ascii_case(word)) {
            return false;
        }
        let rest = &self.rest[word.len()..];
        if rest.starts_with(|next: char| next.is_alphanumeric() || next == '_') {
            return false;
        }
        self.rest = rest.trim_start();
        true
    }

    /// # Errors
    ///
    /// `token` is not next.
    pub(super) fn expect(&mut self, token: &str) -> Result<(), PatternError> {
        if self.take(token) {
            return Ok(());
        }
        Err(self.unexpected(token))
    }

    /// An error that shows what stands where `expected` should be.
    pub(super) fn unexpected(&self, expected: &str) -> PatternError {
        let found: String = self.rest.chars().take(20).collect();
        PatternError(match found.as_str() {
            "" => format!("the pattern ends where {expected} is expected"),
            found => format!("{expected} is expected at {found:?}"),
        })
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// Reads the longest text of characters that `fits`, without skipping space after it.
    pub(super) fn take_while(&mut self, fits: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|next| !fits(next));
        let (taken, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        taken
    }

    pub(super) fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// Reads one character, if it is next, without skipping space after it.
    pub(super) fn take_char(&mut self, wanted: char) -> bool {
        let rest = self.rest.strip_prefix(wanted);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Reads text in quotation marks, after the first of them.
    pub(super) fn quoted(&mut self) -> Result<String, PatternError> {
        let (text, rest) = compare::quoted(self.rest)?;
        self.rest = rest;
        Ok(text)
    }

    pub(super) fn operator(&mut self) -> Option<Operator> {
        let operators = [
            ("!=", Operator::NotEqual),
            ("<=", Operator::LessOrEqual),
            (">=", Operator::GreaterOrEqual),
            ("=", Operator::Equal),
            ("<", Operator::Less),
            (">", Operator::Greater),
        ];
        let mut operators = operators.into_iter();
        Some(operators.find(|(token, _)| self.take(token))?.1)
    }

    /// What a value is compared with.
    ///
    /// # Errors
    ///
    /// None is next.
    pub(super) fn operand(&mut self) -> Result<Operand, PatternError> {
        let operand = if self.take_char('"') {
            Operand::Quoted(Wildcards::new(&self.quoted()?))
        } else if self.take_char('%') {
            let regex = self.take_while(|next| next != '%');
            if !self.take_char('%') {
                return Err(self.unexpected("%"));
            }
            Operand::Regex(compare::regex(regex)?)
        } else {
            let fits = |next: char| next.is_alphanumeric() || "*_-.+:/@#".contains(next);
            match self.take_while(fits) {
                "" => return Err(self.unexpected("a value")),
                word => match word.parse::<f64>() {
                    Ok(number) if number.is_finite() => Operand::Number(number),
                    _ => Operand::Word(Wildcards::new(word)),
                },
            }
        };
        self.skip_space();
        Ok(operand)
    }
}
