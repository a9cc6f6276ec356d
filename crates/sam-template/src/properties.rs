//! One resource's properties, read by name. An unknown property is an error.

mod nested;

use serde_json::Value as Json;

use super::{
    Problem,
    document::{Node, Value},
    effects::Ignored,
    scope::Scope,
};
use crate::nearest::{nearest, suggestion};

/// The properties of one resource, or of a mapping inside it.
#[derive(Debug, Clone)]
pub struct Properties<'a> {
    /// Such as `Stream (AWS::Kinesis::Stream)`.
    owner: String,
    /// Before a property's name in messages: `DestinationConfig.OnFailure.`
    prefix: String,
    line: usize,
    node: Option<&'a Node>,
    /// `Globals` for this type: the defaults of properties that the resource lacks.
    globals: Option<&'a Node>,
    scope: &'a Scope<'a>,
}

impl<'a> Properties<'a> {
    /// The properties in `node`. `owner` names the resource in messages, `line`
    /// is the resource's own.
    ///
    /// # Errors
    ///
    /// The node is not a mapping.
    pub fn new(
        owner: &str,
        line: usize,
        node: Option<&'a Node>,
        scope: &'a Scope<'a>,
    ) -> Result<Self, Problem> {
        let properties = Self {
            owner: owner.to_owned(),
            prefix: String::new(),
            line,
            node: node.map(|node| scope.choose(node)).transpose()?.flatten(),
            globals: None,
            scope,
        };
        match properties.node {
            Some(node) if !matches!(node.value, Value::Map(_) | Value::Null) => {
                let what = format!("expected properties, found {}", node.kind());
                Err(properties.problem(node.line, &what))
            }
            _ => Ok(properties),
        }
    }

    /// The same properties, with `Globals` as their defaults.
    #[must_use]
    pub fn with_globals(self, globals: Option<&'a Node>) -> Self {
        Self { globals, ..self }
    }

    /// What the values are evaluated with.
    #[must_use]
    pub fn scope(&self) -> &'a Scope<'a> {
        self.scope
    }

    /// The resource's line.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// A problem with this resource, at `line`.
    #[must_use]
    pub fn problem(&self, line: usize, what: &str) -> Problem {
        Problem::at(line, format!("{}: {what}", self.owner))
    }

    /// A problem with the value of property `name`, such as `is 0; expected 1 to 10`.
    #[must_use]
    pub fn wrong(&self, name: &str, what: &str) -> Problem {
        let mut nodes = [self.node, self.globals].into_iter().flatten();
        let line = nodes.find_map(|node| node.get(name)).map(|node| node.line);
        let what = format!("property {}{name} {what}", self.prefix);
        self.problem(line.unwrap_or(self.line), &what)
    }

    /// Checks that every property is read (`used`), or understood and without effect here
    /// (`ignored`). The latter are noted with what they mean.
    ///
    /// # Errors
    ///
    /// A property is neither: the error has the first one, with its line and the nearest
    /// name.
    pub fn allow(&self, used: &[&str], ignored: &[Ignored]) -> Result<(), Problem> {
        for node in [self.globals, self.node].into_iter().flatten() {
            for (key, value) in node.entries() {
                let name = key.name.as_str();
                if used.contains(&name) {
                    continue;
                }
                let known = ignored.iter().find(|(_, names)| names.contains(&name));
                if let Some((meaning, _)) = known {
                    // A property that a condition leaves out is not there.
                    if value.value != Value::Null && !matches!(self.scope.choose(value), Ok(None)) {
                        let part = format!("{}{name}", self.prefix);
                        self.scope.notes.borrow_mut().add(meaning, &part);
                    }
                    continue;
                }
                let names = ignored.iter().flat_map(|(_, names)| names.iter().copied());
                let near = nearest(name, used.iter().copied().chain(names));
                let hint = match near {
                    Some(near) => format!("did you mean {near}?"),
                    None => format!("supported: {}", used.join(", ")),
                };
                let what = format!(
                    "property {}{name} is not supported here; {hint}",
                    self.prefix
                );
                return Err(self.problem(key.line, &what));
            }
        }
        Ok(())
    }

    /// A property's node: the resource's own, or else that of `Globals`. `Fn::If` is
    /// evaluated, other functions are not.
    ///
    /// # Errors
    ///
    /// The condition of an `Fn::If` cannot be evaluated.
    pub fn node(&self, name: &str) -> Result<Option<&'a Node>, Problem> {
        for node in [self.node, self.globals].into_iter().flatten() {
            let Some(found) = node.get(name) else {
                continue;
            };
            let chosen = self
                .scope
                .choose(found)
                .map_err(|problem| self.about(name, &problem))?;
            if let Some(chosen) = chosen.filter(|node| node.value != Value::Null) {
                return Ok(Some(chosen));
            }
        }
        Ok(None)
    }

    /// A property as text.
    ///
    /// # Errors
    ///
    /// The property is not text.
    pub fn text(&self, name: &str) -> Result<Option<String>, Problem> {
        let node = self.node(name)?;
        node.map(|node| {
            self.scope
                .text(node)
                .map_err(|problem| self.about(name, &problem))
        })
        .transpose()
    }

    /// A required property as text.
    ///
    /// # Errors
    ///
    /// The property is missing or not text.
    pub fn required(&self, name: &str) -> Result<String, Problem> {
        self.text(name)?.ok_or_else(|| self.missing(name))
    }

    /// The problem of a required property that is not there. A name that is like it is in
    /// the message of [`Properties::allow`].
    #[must_use]
    pub fn missing(&self, name: &str) -> Problem {
        self.problem(
            self.line,
            &format!("property {}{name} is missing", self.prefix),
        )
    }

    /// A property as one of the values that AWS knows.
    ///
    /// # Errors
    ///
    /// It has another value: the error has the nearest one.
    pub fn one_of(&self, name: &str, known: &[&str]) -> Result<Option<String>, Problem> {
        let text = self.text(name)?;
        match text {
            Some(text) if !known.contains(&text.as_str()) => {
                let what = format!("is {text:?}; {}", suggestion(&text, known));
                Err(self.wrong(name, &what))
            }
            text => Ok(text),
        }
    }

    /// A property as a whole number.
    ///
    /// # Errors
    ///
    /// The property is not a whole number.
    pub fn number(&self, name: &str) -> Result<Option<i64>, Problem> {
        self.parsed(name, "a whole number", |text| text.parse().ok())
    }

    /// A property as a whole number within AWS's bounds.
    ///
    /// # Errors
    ///
    /// The property is not a whole number, or out of bounds.
    pub fn in_range(
        &self,
        name: &str,
        range: std::ops::RangeInclusive<u32>,
    ) -> Result<Option<u32>, Problem> {
        let Some(number) = self.number(name)? else {
            return Ok(None);
        };
        match u32::try_from(number) {
            Ok(number) if range.contains(&number) => Ok(Some(number)),
            _ => {
                let (least, most) = range.into_inner();
                Err(self.wrong(name, &format!("is {number}; expected {least} to {most}")))
            }
        }
    }

    /// A property as a boolean.
    ///
    /// # Errors
    ///
    /// The property is neither true nor false.
    pub fn boolean(&self, name: &str) -> Result<Option<bool>, Problem> {
        self.parsed(name, "true or false", |text| {
            text.to_lowercase().parse().ok()
        })
    }

    /// A property as a list of texts.
    ///
    /// # Errors
    ///
    /// The property is not a list of texts.
    pub fn texts(&self, name: &str) -> Result<Option<Vec<String>>, Problem> {
        let Some(node) = self.node(name)? else {
            return Ok(None);
        };
        let about = |problem| self.about(name, &problem);
        let evaluated = self.scope.evaluate(node).map_err(about)?;
        let Some(Value::List(items)) = evaluated.as_ref().map(|node| &node.value) else {
            let found = evaluated.as_ref().map_or("AWS::NoValue", Node::kind);
            return Err(self.wrong(name, &format!("is {found}; expected a list")));
        };
        let items = items
            .iter()
            .map(|item| self.scope.text(item).map_err(about));
        items.collect::<Result<_, _>>().map(Some)
    }

    /// A property as JSON, with its functions evaluated.
    ///
    /// # Errors
    ///
    /// A function in it has no value here.
    pub fn json(&self, name: &str) -> Result<Option<Json>, Problem> {
        let node = self.node(name)?;
        node.map(|node| {
            self.scope
                .json(node)
                .map_err(|problem| self.about(name, &problem))
        })
        .transpose()
    }

    fn parsed<T>(
        &self,
        name: &str,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        parse(text.trim())
            .map(Some)
            .ok_or_else(|| self.wrong(name, &format!("is {text:?}; expected {expected}")))
    }

    fn about(&self, name: &str, problem: &Problem) -> Problem {
        let what = format!("property {}{name}: {}", self.prefix, problem.what);
        self.problem(problem.line, &what)
    }
}
