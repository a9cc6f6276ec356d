//! One resource's properties, read by name. An unknown property is an error.

use super::{
    Problem,
    document::{Node, Value},
    resolve::Resolver,
};

/// The properties of one resource, and its name for messages.
#[derive(Debug, Clone, Copy)]
pub struct Properties<'a> {
    /// Such as `Stream (AWS::Kinesis::Stream)`.
    owner: &'a str,
    line: usize,
    node: Option<&'a Node>,
    /// `Globals` for this type: the defaults of properties that the resource lacks.
    globals: Option<&'a Node>,
    resolver: &'a Resolver,
}

impl<'a> Properties<'a> {
    /// The properties in `node`. `owner` names the resource in messages, `line`
    /// is the resource's own.
    #[must_use]
    pub fn new(
        owner: &'a str,
        line: usize,
        node: Option<&'a Node>,
        resolver: &'a Resolver,
    ) -> Self {
        Self {
            owner,
            line,
            node,
            globals: None,
            resolver,
        }
    }

    /// The same properties, with `Globals` as their defaults.
    #[must_use]
    pub fn with_globals(self, globals: Option<&'a Node>) -> Self {
        Self { globals, ..self }
    }

    /// The resolver of intrinsic functions.
    #[must_use]
    pub fn resolver(&self) -> &'a Resolver {
        self.resolver
    }

    /// A problem with this resource, at `line`.
    #[must_use]
    pub fn problem(&self, line: usize, what: &str) -> Problem {
        Problem::at(line, format!("{}: {what}", self.owner))
    }

    /// Checks that every property is supported (`used`) or has no effect on a
    /// local run (`ignored`).
    ///
    /// # Errors
    ///
    /// A property is neither: the error has the first one, with its line.
    pub fn allow(&self, used: &[&str], ignored: &[&str]) -> Result<(), Problem> {
        for node in [self.node, self.globals].into_iter().flatten() {
            for (key, _) in node.entries() {
                let name = key.name.as_str();
                if !used.contains(&name) && !ignored.contains(&name) {
                    let what = format!(
                        "property {name} is not supported here; supported: {}",
                        used.join(", ")
                    );
                    return Err(self.problem(key.line, &what));
                }
            }
        }
        Ok(())
    }

    /// A property's node: the resource's own, or else that of `Globals`.
    #[must_use]
    pub fn node(&self, name: &str) -> Option<&'a Node> {
        self.node
            .and_then(|node| node.get(name))
            .or_else(|| self.globals.and_then(|node| node.get(name)))
            .filter(|node| node.value != Value::Null)
    }

    /// The property's nodes in `Globals` and in the resource, in that order, for
    /// properties that SAM merges.
    #[must_use]
    pub fn nodes(&self, name: &str) -> [Option<&'a Node>; 2] {
        [self.globals, self.node].map(|node| node.and_then(|node| node.get(name)))
    }

    /// A property as text.
    ///
    /// # Errors
    ///
    /// The property is not text.
    pub fn text(&self, name: &str) -> Result<Option<String>, Problem> {
        self.node(name)
            .map(|node| {
                self.resolver
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
        self.text(name)?
            .ok_or_else(|| self.problem(self.line, &format!("property {name} is missing")))
    }

    /// A property as a whole number.
    ///
    /// # Errors
    ///
    /// The property is not a whole number.
    pub fn number(&self, name: &str) -> Result<Option<i64>, Problem> {
        self.parsed(name, "a whole number", |text| text.parse().ok())
    }

    /// A property as a boolean.
    ///
    /// # Errors
    ///
    /// The property is neither true nor false.
    pub fn boolean(&self, name: &str) -> Result<Option<bool>, Problem> {
        self.parsed(name, "true or false", |text| text.parse().ok())
    }

    /// A property as a list of texts.
    ///
    /// # Errors
    ///
    /// The property is not a list of texts.
    pub fn texts(&self, name: &str) -> Result<Option<Vec<String>>, Problem> {
        let Some(node) = self.node(name) else {
            return Ok(None);
        };
        let Value::List(items) = &node.value else {
            let what = format!("property {name}: expected a list, found {}", node.kind());
            return Err(self.problem(node.line, &what));
        };
        items
            .iter()
            .map(|item| {
                self.resolver
                    .text(item)
                    .map_err(|problem| self.about(name, &problem))
            })
            .collect::<Result<_, _>>()
            .map(Some)
    }

    fn parsed<T>(
        &self,
        name: &str,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let (Some(node), Some(text)) = (self.node(name), self.text(name)?) else {
            return Ok(None);
        };
        parse(&text).map(Some).ok_or_else(|| {
            let what = format!("property {name} is {text:?}; expected {expected}");
            self.problem(node.line, &what)
        })
    }

    fn about(&self, name: &str, problem: &Problem) -> Problem {
        self.problem(problem.line, &format!("property {name}: {}", problem.what))
    }
}
