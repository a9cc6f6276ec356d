//! The values of a template: functions, parameters and references, evaluated where a
//! property needs them. A value that nothing here needs may have any function.

use std::cell::RefCell;

use serde_json::{Number, Value as Json};

use super::{
    Context, Problem,
    document::{Node, Value},
    dynamic, intrinsics,
    notes::Notes,
    parameters::Parameters,
};

/// What every value of one template is evaluated with.
#[derive(Debug)]
pub struct Scope<'t> {
    pub(super) root: &'t Node,
    pub(super) context: &'t Context,
    pub(super) parameters: Parameters,
    /// The names that are being evaluated, to find circles.
    evaluating: RefCell<Vec<String>>,
    /// What the values that were read mean here.
    pub(super) notes: RefCell<Notes>,
}

impl<'t> Scope<'t> {
    /// The scope of the template `root`.
    ///
    /// # Errors
    ///
    /// A parameter is malformed or its value breaks one of its rules.
    pub fn new(root: &'t Node, context: &'t Context) -> Result<Self, Problem> {
        Ok(Self {
            root,
            context,
            parameters: Parameters::read(root, context)?,
            evaluating: RefCell::default(),
            notes: RefCell::default(),
        })
    }

    /// A section of the template, such as `Mappings`.
    pub(super) fn section(&self, name: &str) -> &'t [(super::document::Key, Node)] {
        self.root.get(name).map_or(&[][..], Node::entries)
    }

    /// The node that `Fn::If` chooses, where `node` is one; `None` for `AWS::NoValue`.
    ///
    /// # Errors
    ///
    /// The condition cannot be evaluated.
    pub fn choose<'n>(&self, node: &'n Node) -> Result<Option<&'n Node>, Problem> {
        let mut node = node;
        loop {
            match &node.value {
                Value::Function(name, branches) if name == "If" => {
                    node = self.branch(branches, node.line)?;
                }
                Value::Function(name, argument) if name == "Ref" => {
                    let none =
                        matches!(&argument.value, Value::Text(name) if name == "AWS::NoValue");
                    return Ok((!none).then_some(node));
                }
                _ => return Ok(Some(node)),
            }
        }
    }

    /// `node` without functions; `None` for `AWS::NoValue`.
    ///
    /// # Errors
    ///
    /// A function in `node` has no value here.
    pub fn evaluate(&self, node: &Node) -> Result<Option<Node>, Problem> {
        let Some(node) = self.choose(node)? else {
            return Ok(None);
        };
        let line = node.line;
        let value = match &node.value {
            Value::List(items) => {
                let items = items.iter().map(|item| self.evaluate(item).transpose());
                Value::List(items.flatten().collect::<Result<_, _>>()?)
            }
            Value::Map(entries) => {
                let entries = entries.iter().map(|(key, value)| {
                    let value = self.evaluate(value).transpose()?;
                    Some(value.map(|value| (key.clone(), value)))
                });
                Value::Map(entries.flatten().collect::<Result<_, _>>()?)
            }
            Value::Function(name, argument) => intrinsics::call(self, name, argument, line)?,
            Value::Text(text) => Value::Text(dynamic::resolve(self, text, line)?),
            other => other.clone(),
        };
        Ok(Some(Node { line, value }))
    }

    /// The text of `node`; numbers and booleans as they are written.
    ///
    /// # Errors
    ///
    /// The node is not text, refers to an unknown name, or uses a function that has no
    /// value here.
    pub fn text(&self, node: &Node) -> Result<String, Problem> {
        let evaluated = self.evaluate(node)?;
        let text = evaluated.as_ref().and_then(Node::scalar);
        text.ok_or_else(|| {
            let found = evaluated.as_ref().map_or("AWS::NoValue", Node::kind);
            Problem::at(node.line, format!("expected text, found {found}"))
        })
    }

    /// `node` as JSON, with its functions evaluated.
    ///
    /// # Errors
    ///
    /// A function in `node` has no value here.
    pub fn json(&self, node: &Node) -> Result<Json, Problem> {
        let evaluated = self.evaluate(node)?;
        Ok(evaluated.as_ref().map_or(Json::Null, json))
    }

    /// Evaluates `name` by `evaluate`, unless that is under way already.
    ///
    /// # Errors
    ///
    /// As `evaluate`, or the name's value depends on itself.
    pub(super) fn once<T>(
        &self,
        name: &str,
        line: usize,
        evaluate: impl FnOnce() -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        if self.evaluating.borrow().iter().any(|one| one == name) {
            return Err(Problem::at(line, format!("{name} depends on itself")));
        }
        self.evaluating.borrow_mut().push(name.to_owned());
        let value = evaluate();
        self.evaluating.borrow_mut().pop();
        value
    }
}

/// A node without functions as JSON. Digits that are no JSON number, such as `007`, are
/// text.
fn json(node: &Node) -> Json {
    match &node.value {
        Value::Null | Value::Function(..) => Json::Null,
        Value::Bool(value) => Json::from(*value),
        Value::Number(digits) => digits
            .parse::<Number>()
            .map_or_else(|_| Json::from(digits.clone()), Json::from),
        Value::Text(text) => Json::from(text.clone()),
        Value::List(items) => items.iter().map(json).collect(),
        Value::Map(entries) => entries
            .iter()
            .map(|(key, value)| (key.name.clone(), json(value)))
            .collect(),
    }
}
