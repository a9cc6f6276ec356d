//! The values of the intrinsic functions `!Ref`, `!GetAtt`, `!Sub` and `!Join`.

use std::collections::BTreeMap;

use serde_json::{Number, Value as Json};

use super::{
    Context, Problem,
    document::{Node, Value},
};

/// The values by which the template refers to a resource.
#[derive(Debug, Clone, Default)]
pub struct Attributes {
    /// The value of `!Ref`.
    pub reference: String,
    /// The value of `!GetAtt`, by attribute.
    pub attributes: BTreeMap<&'static str, String>,
    /// The value of `!GetAtt` for any other attribute: an ARN, for a resource
    /// that does not run here.
    pub placeholder: Option<String>,
}

/// Evaluates intrinsic functions.
#[derive(Debug, Clone)]
pub struct Resolver {
    values: BTreeMap<String, String>,
    resources: BTreeMap<String, Attributes>,
}

impl Resolver {
    /// A resolver with the values of the pseudo parameters and the template's
    /// parameters.
    ///
    /// # Errors
    ///
    /// `context` has a value for a parameter that the template does not declare.
    pub fn new(root: &Node, context: &Context) -> Result<Self, Problem> {
        let mut values: BTreeMap<String, String> = [
            ("AWS::Region", context.region.as_str()),
            ("AWS::AccountId", &context.account),
            ("AWS::Partition", "aws"),
            ("AWS::URLSuffix", "amazonaws.com"),
            ("AWS::StackName", "local"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let declared = root.get("Parameters").map_or(&[][..], Node::entries);
        for (key, parameter) in declared {
            let given = context.parameters.get(&key.name).cloned();
            let default = parameter.get("Default").and_then(plain_text);
            if let Some(value) = given.or(default) {
                values.insert(key.name.clone(), value);
            }
        }
        if let Some(unknown) = context
            .parameters
            .keys()
            .find(|name| !declared.iter().any(|(key, _)| key.name == **name))
        {
            let what = format!("the template has no parameter {unknown}");
            return Err(Problem::at(root.line, what));
        }
        Ok(Self {
            values,
            resources: BTreeMap::new(),
        })
    }

    /// Adds a resource under its logical id.
    pub fn define(&mut self, logical_id: &str, attributes: Attributes) {
        self.resources.insert(logical_id.to_owned(), attributes);
    }

    /// The text of `node`; numbers and booleans as they are written.
    ///
    /// # Errors
    ///
    /// The node is not text, refers to an unknown name, or uses a function that
    /// is not supported.
    pub fn text(&self, node: &Node) -> Result<String, Problem> {
        match &node.value {
            Value::Function(function, argument) => self.call(function, argument, node.line),
            _ => plain_text(node).ok_or_else(|| {
                Problem::at(node.line, format!("expected text, found {}", node.kind()))
            }),
        }
    }

    /// `node` as JSON, with its functions evaluated.
    ///
    /// # Errors
    ///
    /// A function in `node` has no value, as in [`Resolver::text`].
    pub fn json(&self, node: &Node) -> Result<Json, Problem> {
        Ok(match &node.value {
            Value::Null => Json::Null,
            Value::Bool(value) => Json::from(*value),
            Value::Number(digits) => digits
                .parse::<Number>()
                .map_or_else(|_| Json::from(digits.clone()), Json::from),
            Value::Text(text) => Json::from(text.clone()),
            Value::List(items) => items
                .iter()
                .map(|item| self.json(item))
                .collect::<Result<_, _>>()?,
            Value::Map(entries) => entries
                .iter()
                .map(|(key, value)| Ok((key.name.clone(), self.json(value)?)))
                .collect::<Result<_, _>>()?,
            Value::Function(..) => Json::from(self.text(node)?),
        })
    }

    fn call(&self, function: &str, argument: &Node, line: usize) -> Result<String, Problem> {
        match function {
            "Ref" => self.reference(&self.text(argument)?, line),
            "GetAtt" => {
                let path = match &argument.value {
                    Value::List(parts) => parts
                        .iter()
                        .map(|part| self.text(part))
                        .collect::<Result<Vec<_>, _>>()?
                        .join("."),
                    _ => self.text(argument)?,
                };
                self.attribute(&path, line)
            }
            "Sub" => self.substitute(argument, line),
            "Join" => self.join(argument, line),
            other => Err(Problem::at(
                line,
                format!(
                    "the function {other} is not supported here; supported: Ref, GetAtt, Sub, Join"
                ),
            )),
        }
    }

    fn reference(&self, name: &str, line: usize) -> Result<String, Problem> {
        self.values
            .get(name)
            .or_else(|| self.resources.get(name).map(|found| &found.reference))
            .cloned()
            .ok_or_else(|| {
                Problem::at(
                    line,
                    format!(
                        "{name} is not a resource, nor a parameter with a value\nhint: set a parameter's value with `--parameter {name}=VALUE`"
                    ),
                )
            })
    }

    fn attribute(&self, path: &str, line: usize) -> Result<String, Problem> {
        let (resource, attribute) = path.split_once('.').unwrap_or((path, ""));
        let found = self
            .resources
            .get(resource)
            .ok_or_else(|| Problem::at(line, format!("the template has no resource {resource}")))?;
        let known = found
            .attributes
            .get(attribute)
            .or(found.placeholder.as_ref());
        known.cloned().ok_or_else(|| {
            let known: Vec<_> = found.attributes.keys().copied().collect();
            Problem::at(
                line,
                format!(
                    "{resource} has no attribute {attribute:?}; supported: {}",
                    known.join(", ")
                ),
            )
        })
    }

    /// `!Sub text`, or `!Sub [text, {name: value}]`.
    fn substitute(&self, argument: &Node, line: usize) -> Result<String, Problem> {
        let (template, own) = match &argument.value {
            Value::List(parts) => {
                let [template, own] = parts.as_slice() else {
                    let what = "Sub: expected text, or text and a mapping";
                    return Err(Problem::at(line, what));
                };
                (self.text(template)?, own.entries())
            }
            _ => (self.text(argument)?, &[][..]),
        };
        let mut result = String::new();
        let mut rest = template.as_str();
        while let Some(start) = rest.find("${") {
            let Some(length) = rest[start..].find('}') else {
                break;
            };
            result.push_str(&rest[..start]);
            let name = rest[start + 2..start + length].trim();
            if let Some(literal) = name.strip_prefix('!') {
                // `${!Name}` is the literal text `${Name}`.
                result.extend(["${", literal, "}"]);
            } else if let Some((_, value)) = own.iter().find(|(key, _)| key.name == name) {
                result.push_str(&self.text(value)?);
            } else if name.contains('.') {
                result.push_str(&self.attribute(name, line)?);
            } else {
                result.push_str(&self.reference(name, line)?);
            }
            rest = &rest[start + length + 1..];
        }
        result.push_str(rest);
        Ok(result)
    }

    fn join(&self, argument: &Node, line: usize) -> Result<String, Problem> {
        let wrong = || Problem::at(line, "Join: expected a delimiter and a list");
        let Value::List(parts) = &argument.value else {
            return Err(wrong());
        };
        let [delimiter, items] = parts.as_slice() else {
            return Err(wrong());
        };
        let Value::List(items) = &items.value else {
            return Err(wrong());
        };
        let items = items
            .iter()
            .map(|item| self.text(item))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(items.join(&self.text(delimiter)?))
    }
}

fn plain_text(node: &Node) -> Option<String> {
    match &node.value {
        Value::Text(text) | Value::Number(text) => Some(text.clone()),
        Value::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}
