//! The `Parameters` of a template: their values, checked against their rules
//! (CloudFormation user guide, "Parameters section").

use std::collections::BTreeMap;

use super::{
    Context, Problem,
    document::{Key, Node, Value},
};
use crate::nearest::suggestion;

/// The attributes of a parameter.
const ATTRIBUTES: [&str; 11] = [
    "AllowedPattern",
    "AllowedValues",
    "ConstraintDescription",
    "Default",
    "Description",
    "MaxLength",
    "MaxValue",
    "MinLength",
    "MinValue",
    "NoEcho",
    "Type",
];

/// The types that are not of one service. Those begin with `AWS::` or `List<AWS::`.
const TYPES: [&str; 4] = ["String", "Number", "CommaDelimitedList", "List<Number>"];

/// A parameter's value, as `!Ref` sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Given {
    /// No value and no default.
    Missing,
    /// Text.
    Text(String),
    /// A number, with the digits that are written.
    Number(String),
    /// A list.
    List(Vec<String>),
    /// The value of the SSM parameter with this name.
    Ssm { name: String, list: bool },
}

/// The values of a template's parameters, by name.
#[derive(Debug, Clone, Default)]
pub(super) struct Parameters(BTreeMap<String, Given>);

impl Parameters {
    /// The parameters of the template, with the values of `context` or their defaults.
    ///
    /// # Errors
    ///
    /// A parameter is malformed, its value breaks one of its rules, or a flag names a
    /// parameter that the template does not have.
    pub(super) fn read(root: &Node, context: &Context) -> Result<Self, Problem> {
        let declared = root.get("Parameters").map_or(&[][..], Node::entries);
        let names: Vec<_> = declared.iter().map(|(key, _)| key.name.as_str()).collect();
        for name in context.parameters.keys() {
            if !names.contains(&name.as_str()) {
                let mut what = format!("the template has no parameter {name}");
                if !names.is_empty() {
                    what = format!("{what}; {}", suggestion(name, &names));
                }
                return Err(Problem::at(root.line, what));
            }
        }
        let mut values = BTreeMap::new();
        for (key, node) in declared {
            values.insert(key.name.clone(), Parameter { key, node }.value(context)?);
        }
        Ok(Self(values))
    }

    /// The value of parameter `name`, if the template has that parameter.
    pub(super) fn get(&self, name: &str) -> Option<&Given> {
        self.0.get(name)
    }

    /// The names, for suggestions.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// One parameter's declaration.
struct Parameter<'a> {
    key: &'a Key,
    node: &'a Node,
}

impl Parameter<'_> {
    fn value(&self, context: &Context) -> Result<Given, Problem> {
        for (key, _) in self.node.entries() {
            if !ATTRIBUTES.contains(&key.name.as_str()) {
                let what = format!(
                    "unknown attribute {}; {}",
                    key.name,
                    suggestion(&key.name, &ATTRIBUTES)
                );
                return Err(self.problem(key.line, &what));
            }
        }
        let kind = self.kind()?;
        let name = &self.key.name;
        let given = context
            .parameters
            .get(name)
            .or_else(|| context.overrides.get(name));
        let default = self.attribute("Default");
        let Some(text) = given.cloned().or(default) else {
            return Ok(Given::Missing);
        };
        let ssm = kind.strip_prefix("AWS::SSM::Parameter::Value<");
        if let Some(inner) = ssm {
            let list = inner.starts_with("List<") || inner.starts_with("CommaDelimitedList");
            return Ok(Given::Ssm { name: text, list });
        }
        if kind == "CommaDelimitedList" || kind.starts_with("List<") {
            // "each member string is space trimmed" (CommaDelimitedList).
            let items: Vec<_> = text.split(',').map(|item| item.trim().to_owned()).collect();
            for item in &items {
                self.check(item, kind == "List<Number>")?;
            }
            return Ok(Given::List(items));
        }
        self.check(&text, kind == "Number")?;
        if kind == "Number" {
            return Ok(Given::Number(text));
        }
        Ok(Given::Text(text))
    }

    fn kind(&self) -> Result<String, Problem> {
        let Some(kind) = self.attribute("Type") else {
            return Err(self.problem(self.key.line, "it has no Type"));
        };
        let of_service = kind.starts_with("AWS::") || kind.starts_with("List<AWS::");
        if of_service || TYPES.contains(&kind.as_str()) || kind == "List<String>" {
            return Ok(kind);
        }
        let line = self
            .node
            .get("Type")
            .map_or(self.key.line, |node| node.line);
        Err(self.problem(
            line,
            &format!("Type is {kind:?}; {}", suggestion(&kind, &TYPES)),
        ))
    }

    /// Checks one value, or one item of a list.
    fn check(&self, value: &str, numeric: bool) -> Result<(), Problem> {
        if numeric {
            let number: f64 = value
                .trim()
                .parse()
                .map_err(|_| self.refused(value, "expected a number"))?;
            self.bound("MinValue", number, |number, least| number >= least, value)?;
            self.bound("MaxValue", number, |number, most| number <= most, value)?;
        }
        #[allow(clippy::cast_precision_loss)] // a length
        let length = value.chars().count() as f64;
        self.bound("MinLength", length, |length, least| length >= least, value)?;
        self.bound("MaxLength", length, |length, most| length <= most, value)?;
        if let Some(Value::List(allowed)) = self.node.get("AllowedValues").map(|node| &node.value) {
            let allowed: Vec<_> = allowed.iter().filter_map(Node::scalar).collect();
            if !allowed.iter().any(|one| one == value) {
                let known: Vec<_> = allowed.iter().map(String::as_str).collect();
                return Err(self.refused(value, &format!("expected one of {}", known.join(", "))));
            }
        }
        if let Some(pattern) = self.attribute("AllowedPattern") {
            // A pattern of Java's that this engine does not know is not checked.
            let whole = regex_lite::Regex::new(&format!("^(?:{pattern})$"));
            if whole.is_ok_and(|whole| !whole.is_match(value)) {
                return Err(self.refused(value, &format!("expected AllowedPattern {pattern}")));
            }
        }
        Ok(())
    }

    fn bound(
        &self,
        name: &str,
        found: f64,
        holds: impl Fn(f64, f64) -> bool,
        value: &str,
    ) -> Result<(), Problem> {
        match self.attribute(name).and_then(|bound| bound.parse().ok()) {
            Some(bound) if !holds(found, bound) => {
                Err(self.refused(value, &format!("expected {name} {bound}")))
            }
            _ => Ok(()),
        }
    }

    fn attribute(&self, name: &str) -> Option<String> {
        self.node.get(name).and_then(Node::scalar)
    }

    /// A value that breaks a rule. A secret one is not shown.
    fn refused(&self, value: &str, expected: &str) -> Problem {
        let secret = self.attribute("NoEcho").as_deref() == Some("true");
        let shown = if secret {
            "****".to_owned()
        } else {
            format!("{value:?}")
        };
        let because = match self.attribute("ConstraintDescription") {
            Some(text) => format!(" ({})", text.trim()),
            None => String::new(),
        };
        self.problem(
            self.key.line,
            &format!("the value is {shown}; {expected}{because}"),
        )
    }

    fn problem(&self, line: usize, what: &str) -> Problem {
        Problem::at(line, format!("parameter {}: {what}", self.key.name))
    }
}
