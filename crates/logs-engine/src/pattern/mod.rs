//! Filter patterns ("Filter pattern syntax" of the `CloudWatch` Logs user guide).

mod compare;
mod fields;
mod json;
mod lexer;
mod terms;
#[cfg(test)]
mod tests;

use json::JsonPattern;

/// Most bytes of a pattern (API reference, `FilterLogEvents`).
pub(crate) const MAX_PATTERN: usize = 1024;

/// A pattern that is not valid, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PatternError(pub(crate) String);

/// A filter pattern.
///
/// ```
/// use logs_engine::Pattern;
///
/// let errors: Pattern = r#"{ $.level = "ERROR" && $.took_ms > 100 }"#.parse().unwrap();
/// assert!(errors.matches(r#"{"level":"ERROR","took_ms":250}"#));
/// assert!(!errors.matches("ERROR"));
/// ```
#[derive(Debug, Default)]
pub struct Pattern(Kind);

#[derive(Debug, Default)]
enum Kind {
    #[default]
    Everything,
    /// Words, phrases and regular expressions in any text.
    Terms(terms::Terms),
    /// `{ … }`
    Json(JsonPattern),
    /// `[ … ]`
    Fields(fields::Fields),
}

impl std::str::FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let text = text.trim();
        Ok(Self(match text.as_bytes().first() {
            None => Kind::Everything,
            Some(b'{') => Kind::Json(JsonPattern::parse(text)?),
            Some(b'[') => Kind::Fields(fields::Fields::parse(text)?),
            Some(_) => Kind::Terms(terms::Terms::parse(text)?),
        }))
    }
}

impl Pattern {
    /// Whether an event's message fits.
    #[must_use]
    pub fn matches(&self, message: &str) -> bool {
        match &self.0 {
            Kind::Everything => true,
            Kind::Terms(terms) => terms.matches(message),
            Kind::Json(pattern) => pattern.matches(message),
            Kind::Fields(fields) => fields.matches(message),
        }
    }
}
