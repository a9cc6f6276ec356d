//! The tree of a pattern: objects of fields, alternatives, rules at the leaves.
//! (`EventBridge` user guide, "Creating event patterns".)

use serde_json::{Map, Value};

use super::{FilterError, rule::Rule};

/// The key of alternatives.
const OR: &str = "$or";

/// A pattern over an object: every field, and one of each set of alternatives,
/// must match.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pattern {
    fields: Vec<(String, Field)>,
    alternatives: Vec<Vec<Pattern>>,
}

#[derive(Debug, Clone, PartialEq)]
enum Field {
    Nested(Pattern),
    AnyOf(Vec<Rule>),
}

impl Pattern {
    pub(super) fn parse(json: &Value) -> Result<Self, FilterError> {
        Self::parse_at(json, "the top")
    }

    fn parse_at(json: &Value, path: &str) -> Result<Self, FilterError> {
        let Value::Object(entries) = json else {
            return Err(malformed(
                path,
                &format!("expected an object, found {json}"),
            ));
        };
        if entries.is_empty() {
            return Err(malformed(path, "the pattern is empty"));
        }
        let mut pattern = Self {
            fields: Vec::new(),
            alternatives: Vec::new(),
        };
        for (name, value) in entries {
            let path = format!("{path}.{name}");
            let path = path.trim_start_matches("the top.");
            if name == OR {
                pattern.alternatives.push(alternatives(value, path)?);
            } else {
                let field = Field::parse(value, path)?;
                pattern.fields.push((name.clone(), field));
            }
        }
        Ok(pattern)
    }

    /// Whether `value` matches. Of an array one element has to match; a missing value
    /// matches where the pattern asks for that.
    pub(super) fn matches(&self, value: Option<&Value>) -> bool {
        if let Some(Value::Array(elements)) = value {
            return elements.iter().any(|element| self.matches(Some(element)));
        }
        let field = |name: &str| value.and_then(|value| value.get(name));
        self.fields
            .iter()
            .all(|(name, wanted)| wanted.matches(field(name)))
            && self
                .alternatives
                .iter()
                .all(|any| any.iter().any(|one| one.matches(value)))
    }

    /// The forms in which the pattern describes a field of this name at the top, in
    /// alternatives too.
    pub(super) fn forms_of(&self, name: &str) -> Forms {
        let named = self.fields.iter().filter(|(field, _)| field == name);
        let own = named.map(|(_, field)| Forms {
            object: matches!(field, Field::Nested(_)),
            values: matches!(field, Field::AnyOf(_)),
        });
        let alternatives = self.alternatives.iter().flatten();
        own.chain(alternatives.map(|one| one.forms_of(name)))
            .fold(Forms::default(), |all, one| Forms {
                object: all.object || one.object,
                values: all.values || one.values,
            })
    }

    /// Whether the pattern has a field of this name at the top, in alternatives too.
    pub(super) fn mentions(&self, name: &str) -> bool {
        self.fields.iter().any(|(field, _)| field == name)
            || self
                .alternatives
                .iter()
                .flatten()
                .any(|one| one.mentions(name))
    }
}

/// The forms in which a pattern describes a field.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Forms {
    /// As an object of fields.
    pub(super) object: bool,
    /// As a list of values.
    pub(super) values: bool,
}

impl Field {
    fn parse(json: &Value, path: &str) -> Result<Self, FilterError> {
        match json {
            Value::Object(_) => Pattern::parse_at(json, path).map(Self::Nested),
            Value::Array(rules) if rules.is_empty() => {
                Err(malformed(path, "the list of values is empty"))
            }
            Value::Array(rules) => rules
                .iter()
                .map(|rule| Rule::parse(rule, path))
                .collect::<Result<_, _>>()
                .map(Self::AnyOf),
            other => {
                let what = format!("expected an object or a list of values, found {other}");
                Err(malformed(path, &what))
            }
        }
    }

    fn matches(&self, value: Option<&Value>) -> bool {
        match (self, value) {
            (Self::Nested(pattern), value) => pattern.matches(value),
            (Self::AnyOf(rules), Some(Value::Array(elements))) if !elements.is_empty() => elements
                .iter()
                .any(|element| rules.iter().any(|rule| rule.matches(Some(element)))),
            (Self::AnyOf(rules), value) => rules.iter().any(|rule| rule.matches(value)),
        }
    }
}

fn alternatives(json: &Value, path: &str) -> Result<Vec<Pattern>, FilterError> {
    match json {
        Value::Array(all) if all.len() >= 2 => {
            all.iter().map(|one| Pattern::parse_at(one, path)).collect()
        }
        _ => Err(malformed(path, "expected a list of at least two objects")),
    }
}

pub(super) fn malformed(path: &str, what: &str) -> FilterError {
    FilterError::Malformed {
        path: path.to_owned(),
        what: what.to_owned(),
    }
}

/// The one entry of an object.
pub(super) fn only_entry<'a>(
    entries: &'a Map<String, Value>,
    path: &str,
) -> Result<(&'a str, &'a Value), FilterError> {
    let mut all = entries.iter();
    match (all.next(), all.next()) {
        (Some((name, value)), None) => Ok((name, value)),
        _ => Err(malformed(path, "expected an object with one operator")),
    }
}
