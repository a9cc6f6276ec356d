//! `Conditions`, and the functions that they are made of (CloudFormation user guide,
//! "Condition functions").

use super::{
    Problem,
    document::{Node, Value},
    scope::Scope,
};
use crate::nearest::suggestion;

/// The functions of a condition.
pub(super) const FUNCTIONS: [&str; 5] = ["And", "Condition", "Equals", "Not", "Or"];

impl Scope<'_> {
    /// Whether the template's condition `name` holds.
    ///
    /// # Errors
    ///
    /// The template has no such condition, or it cannot be evaluated.
    pub fn condition(&self, name: &str, line: usize) -> Result<bool, Problem> {
        let conditions = self.section("Conditions");
        let Some((_, node)) = conditions.iter().find(|(key, _)| key.name == name) else {
            let mut what = format!("the template has no condition {name}");
            let known: Vec<_> = conditions
                .iter()
                .map(|(key, _)| key.name.as_str())
                .collect();
            if !known.is_empty() {
                what = format!("{what}; {}", suggestion(name, &known));
            }
            return Err(Problem::at(line, what));
        };
        self.once(&format!("condition {name}"), line, || self.holds(node))
    }

    /// Whether a condition's expression holds.
    ///
    /// # Errors
    ///
    /// It is not a condition, or one of its values cannot be evaluated.
    pub(super) fn holds(&self, node: &Node) -> Result<bool, Problem> {
        let line = node.line;
        match &node.value {
            Value::Bool(value) => Ok(*value),
            Value::Function(function, argument) => match function.as_str() {
                "Condition" => self.condition(&self.text(argument)?, line),
                "Equals" => {
                    let [one, other] = arguments(function, argument, line)?;
                    Ok(self.evaluate(one)?.map(plain) == self.evaluate(other)?.map(plain))
                }
                "Not" => {
                    let [one] = arguments(function, argument, line)?;
                    Ok(!self.holds(one)?)
                }
                "And" => self.all(function, argument, line, true),
                "Or" => self.all(function, argument, line, false),
                _ => Err(not_a_condition(node)),
            },
            // `Condition: Name` is a function in a condition and nowhere else.
            Value::Map(_) => match node.get("Condition") {
                Some(name) => self.condition(&self.text(name)?, line),
                None => Err(not_a_condition(node)),
            },
            _ => Err(not_a_condition(node)),
        }
    }

    /// `And` (`every`) or `Or`.
    fn all(
        &self,
        function: &str,
        argument: &Node,
        line: usize,
        every: bool,
    ) -> Result<bool, Problem> {
        let Value::List(items) = &argument.value else {
            let what = format!(
                "{function}: expected a list of conditions, found {}",
                argument.kind()
            );
            return Err(Problem::at(line, what));
        };
        for item in items {
            if self.holds(item)? != every {
                return Ok(!every);
            }
        }
        Ok(every)
    }

    /// The branch of `Fn::If: [condition, then, else]`.
    pub(super) fn branch<'n>(&self, branches: &'n Node, line: usize) -> Result<&'n Node, Problem> {
        let [condition, then, otherwise] = arguments("If", branches, line)?;
        let name = self.text(condition)?;
        Ok(if self.condition(&name, line)? {
            then
        } else {
            otherwise
        })
    }
}

/// The arguments of a function that takes exactly `N`.
pub(super) fn arguments<'n, const N: usize>(
    function: &str,
    argument: &'n Node,
    line: usize,
) -> Result<[&'n Node; N], Problem> {
    let items = match &argument.value {
        Value::List(items) => items.iter().collect::<Vec<_>>(),
        _ => vec![argument],
    };
    let found = items.len();
    items.try_into().map_err(|_| {
        Problem::at(
            line,
            format!("{function}: expected {N} values, found {found}"),
        )
    })
}

/// What `Equals` compares: a number and a text with the same characters are equal.
fn plain(node: Node) -> Value {
    match node.scalar() {
        Some(text) => Value::Text(text),
        None => node.value,
    }
}

fn not_a_condition(node: &Node) -> Problem {
    let what = format!(
        "expected a condition ({}), found {}",
        FUNCTIONS.join(", "),
        node.kind()
    );
    Problem::at(node.line, what)
}
