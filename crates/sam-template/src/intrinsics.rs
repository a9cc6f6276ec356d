//! The intrinsic functions (CloudFormation user guide, "Intrinsic function reference").

use base64::{Engine, prelude::BASE64_STANDARD};

use super::{
    Problem,
    conditions::{FUNCTIONS, arguments},
    document::{Node, Value},
    references,
    scope::Scope,
    sub,
};
use crate::nearest::suggestion;

/// The functions that have values here, for suggestions.
const NAMES: [&str; 14] = [
    "Base64",
    "FindInMap",
    "GetAZs",
    "GetAtt",
    "If",
    "ImportValue",
    "Join",
    "Length",
    "Ref",
    "Select",
    "Split",
    "Sub",
    "ToJsonString",
    "Transform",
];

/// The value of `function` for its argument.
///
/// # Errors
///
/// The function is unknown, has the wrong arguments, or has no value here.
pub(super) fn call(
    scope: &Scope,
    function: &str,
    argument: &Node,
    line: usize,
) -> Result<Value, Problem> {
    match function {
        "Ref" => references::reference(scope, &name(argument, line)?, line),
        "GetAtt" => {
            let path = match &argument.value {
                Value::List(parts) => {
                    let parts = parts.iter().map(|part| scope.text(part));
                    parts.collect::<Result<Vec<_>, _>>()?.join(".")
                }
                _ => scope.text(argument)?,
            };
            references::attribute(scope, &path, line).map(Value::Text)
        }
        "Sub" => sub::substitute(scope, argument, line).map(Value::Text),
        "Join" => {
            let [delimiter, items] = arguments(function, argument, line)?;
            let items = texts(scope, function, items, line)?;
            Ok(Value::Text(items.join(&scope.text(delimiter)?)))
        }
        "Split" => {
            let [delimiter, text] = arguments(function, argument, line)?;
            let (delimiter, text) = (scope.text(delimiter)?, scope.text(text)?);
            Ok(list(text.split(delimiter.as_str()), line))
        }
        "Select" => select(scope, argument, line),
        "FindInMap" => find_in_map(scope, argument, line),
        "Base64" => Ok(Value::Text(BASE64_STANDARD.encode(scope.text(argument)?))),
        "GetAZs" => {
            let region = scope.text(argument).unwrap_or_default();
            let region = if region.is_empty() {
                &scope.context.region
            } else {
                &region
            };
            let zones = ["a", "b", "c"].map(|zone| format!("{region}{zone}"));
            Ok(list(zones.iter().map(String::as_str), line))
        }
        "ImportValue" => import(scope, argument),
        "Length" => {
            let items = texts(scope, function, argument, line)?;
            Ok(Value::Number(items.len().to_string()))
        }
        "ToJsonString" => Ok(Value::Text(scope.json(argument)?.to_string())),
        _ if FUNCTIONS.contains(&function) => {
            let value = Value::Function(function.to_owned(), Box::new(argument.clone()));
            scope.holds(&Node { line, value }).map(Value::Bool)
        }
        "Cidr" | "Transform" => Err(Problem::at(
            line,
            format!("the function {function} has no value here"),
        )),
        other => Err(Problem::at(
            line,
            format!("unknown function {other}; {}", suggestion(other, &NAMES)),
        )),
    }
}

/// The name that `Ref` takes: text, never another function.
fn name(argument: &Node, line: usize) -> Result<String, Problem> {
    argument.scalar().ok_or_else(|| {
        Problem::at(
            line,
            format!("Ref: expected a name, found {}", argument.kind()),
        )
    })
}

/// A list of texts.
pub(super) fn list<'i>(items: impl Iterator<Item = &'i str>, line: usize) -> Value {
    let items = items.map(|item| Node {
        line,
        value: Value::Text(item.to_owned()),
    });
    Value::List(items.collect())
}

/// The items of a list of texts.
fn texts(scope: &Scope, function: &str, node: &Node, line: usize) -> Result<Vec<String>, Problem> {
    let evaluated = scope.evaluate(node)?;
    let Some(Value::List(items)) = evaluated.as_ref().map(|node| &node.value) else {
        let found = evaluated.as_ref().map_or("AWS::NoValue", Node::kind);
        let what = format!("{function}: expected a list, found {found}");
        return Err(Problem::at(line, what));
    };
    items.iter().map(|item| scope.text(item)).collect()
}

/// `[index, list]`.
fn select(scope: &Scope, argument: &Node, line: usize) -> Result<Value, Problem> {
    let [index, items] = arguments("Select", argument, line)?;
    let index = scope.text(index)?;
    let Some(Value::List(items)) = scope.evaluate(items)?.map(|node| node.value) else {
        return Err(Problem::at(line, "Select: expected an index and a list"));
    };
    let length = items.len();
    let selected = index
        .parse()
        .ok()
        .and_then(|index: usize| items.into_iter().nth(index));
    selected.map(|node| node.value).ok_or_else(|| {
        let what = format!("Select: there is no item {index}; the list has {length}");
        Problem::at(line, what)
    })
}

/// `[map, key, key]`, and `{DefaultValue: …}` after it.
fn find_in_map(scope: &Scope, argument: &Node, line: usize) -> Result<Value, Problem> {
    let items = match &argument.value {
        Value::List(items) if (3..=4).contains(&items.len()) => items,
        _ => {
            return Err(Problem::at(
                line,
                "FindInMap: expected a mapping and two keys",
            ));
        }
    };
    let [map, first, second] = [&items[0], &items[1], &items[2]].map(|key| scope.text(key));
    let (map, first, second) = (map?, first?, second?);
    let mut maps = scope.section("Mappings").iter();
    let found = maps.find(|(key, _)| key.name == map);
    let found = found.and_then(|(_, map)| map.get(&first)?.get(&second));
    let default = items.get(3).and_then(|extra| extra.get("DefaultValue"));
    let Some(node) = found.or(default) else {
        let what = format!("FindInMap: the template's Mappings have no {map}.{first}.{second}");
        return Err(Problem::at(line, what));
    };
    let value = scope.evaluate(node)?.map(|node| node.value);
    Ok(value.unwrap_or(Value::Null))
}

/// Another stack's export: its own name stands for it.
fn import(scope: &Scope, argument: &Node) -> Result<Value, Problem> {
    let name = scope.text(argument)?;
    scope.notes.borrow_mut().add(
        "exports of other stacks are unknown here: their names stand for their values",
        &format!("ImportValue {name}"),
    );
    Ok(Value::Text(name))
}
