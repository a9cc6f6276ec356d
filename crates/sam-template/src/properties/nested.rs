//! Properties inside properties: mappings, lists of mappings, and mappings whose keys the
//! user chooses.

use super::Properties;
use crate::{
    Problem,
    document::{Key, Node, Value},
};

impl<'a> Properties<'a> {
    /// The properties inside property `name`.
    ///
    /// # Errors
    ///
    /// The property is not a mapping.
    pub fn inside(&self, name: &str) -> Result<Option<Self>, Problem> {
        let node = self.node(name)?;
        node.map(|node| self.part(name, node)).transpose()
    }

    /// As [`Properties::inside`], in `Globals` and in the resource, in that order, for
    /// properties that SAM merges.
    ///
    /// # Errors
    ///
    /// One is not a mapping.
    pub fn merged(&self, name: &str) -> Result<Vec<Self>, Problem> {
        let nodes = [self.globals, self.node].into_iter().flatten();
        let mut all = Vec::new();
        for node in nodes.filter_map(|node| node.get(name)) {
            if let Some(node) = self.scope.choose(node)? {
                all.push(self.part(name, node)?);
            }
        }
        Ok(all)
    }

    /// The items of list `name`, each a mapping.
    ///
    /// # Errors
    ///
    /// It is not a list of mappings.
    pub fn items(&self, name: &str) -> Result<Vec<Self>, Problem> {
        let Some(node) = self.node(name)? else {
            return Ok(Vec::new());
        };
        let Value::List(items) = &node.value else {
            return Err(self.wrong(name, &format!("is {}; expected a list", node.kind())));
        };
        let mut all = Vec::new();
        for item in items {
            if let Some(item) = self.scope.choose(item)? {
                all.push(self.part(name, item)?);
            }
        }
        Ok(all)
    }

    /// The entries of a mapping whose keys the user chooses; `Fn::If` is evaluated.
    ///
    /// # Errors
    ///
    /// The condition of an `Fn::If` cannot be evaluated.
    pub fn entries(&self) -> Result<Vec<(&'a Key, &'a Node)>, Problem> {
        let mut all = Vec::new();
        for (key, node) in self.node.map_or(&[][..], Node::entries) {
            if let Some(node) = self.scope.choose(node)? {
                all.push((key, node));
            }
        }
        Ok(all)
    }

    fn part(&self, name: &str, node: &'a Node) -> Result<Self, Problem> {
        if !matches!(node.value, Value::Map(_) | Value::Null) {
            return Err(self.wrong(name, &format!("is {}; expected a mapping", node.kind())));
        }
        Ok(Self {
            owner: self.owner.clone(),
            prefix: format!("{}{name}.", self.prefix),
            line: node.line,
            node: Some(node),
            globals: None,
            scope: self.scope,
        })
    }
}
