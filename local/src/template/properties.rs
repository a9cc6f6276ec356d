//! One resource's properties: read by name, and none overlooked.

use super::{
    Problem,
    document::{Node, Value},
    resolve::Resolver,
};

/// The properties of one resource, and how to speak of it.
#[derive(Debug, Clone, Copy)]
pub struct Properties<'a> {
    /// Such as `Stream (AWS::Kinesis::Stream)`.
    owner: &'a str,
    line: usize,
    node: Option<&'a Node>,
    /// `Globals` for this type: used where the resource has none of its own.
    globals: Option<&'a Node>,
    resolver: &'a Resolver,
}

impl<'a> Properties<'a> {
    /// The properties in `node` of what `owner` says, at `line`.
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

    /// The same with `Globals` behind it.
    #[must_use]
    pub fn with_globals(self, globals: Option<&'a Node>) -> Self {
        Self { globals, ..self }
    }

    /// The resolver of intrinsic functions.
    #[must_use]
    pub fn resolver(&self) -> &'a Resolver {
        self.resolver
    }

    /// A problem with this resource.
    #[must_use]
    pub fn problem(&self, line: usize, what: &str) -> Problem {
        Problem::at(line, format!("{}: {what}", self.owner))
    }

    /// Refuses every property that is neither read here (`used`) nor known to
    /// make no difference to a local run (`ignored`).
    ///
    /// # Errors
    ///
    /// The first such property, with its line.
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

    /// A property's node, the resource's own before that of `Globals`.
    #[must_use]
    pub fn node(&self, name: &str) -> Option<&'a Node> {
        self.node
            .and_then(|node| node.get(name))
            .or_else(|| self.globals.and_then(|node| node.get(name)))
            .filter(|node| node.value != Value::Null)
    }

    /// The resource's own node and that of `Globals`, for what is merged.
    #[must_use]
    pub fn nodes(&self, name: &str) -> [Option<&'a Node>; 2] {
        [self.globals, self.node].map(|node| node.and_then(|node| node.get(name)))
    }

    /// A property as text.
    ///
    /// # Errors
    ///
    /// It is there but not text.
    pub fn text(&self, name: &str) -> Result<Option<String>, Problem> {
        self.node(name)
            .map(|node| {
                self.resolver
                    .text(node)
                    .map_err(|problem| self.about(name, &problem))
            })
            .transpose()
    }

    /// A property as text, which must be there.
    ///
    /// # Errors
    ///
    /// It is not there, or not text.
    pub fn required(&self, name: &str) -> Result<String, Problem> {
        self.text(name)?
            .ok_or_else(|| self.problem(self.line, &format!("property {name} is missing")))
    }

    /// A property as a whole number.
    ///
    /// # Errors
    ///
    /// It is there but not a whole number from 0 on (or -1, which AWS uses for
    /// "without limit").
    pub fn number(&self, name: &str) -> Result<Option<i64>, Problem> {
        self.parsed(name, "a whole number", |text| text.parse().ok())
    }

    /// A property as a boolean.
    ///
    /// # Errors
    ///
    /// It is there but neither true nor false.
    pub fn boolean(&self, name: &str) -> Result<Option<bool>, Problem> {
        self.parsed(name, "true or false", |text| text.parse().ok())
    }

    /// A property as a list of texts.
    ///
    /// # Errors
    ///
    /// It is there but not a list of texts.
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
