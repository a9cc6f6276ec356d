//! `Fn::Sub` (CloudFormation user guide, "Intrinsic function reference").

use super::{
    Problem,
    document::{Node, Value},
    references,
    scope::Scope,
};

/// `!Sub text`, or `!Sub [text, {name: value}]`.
///
/// # Errors
///
/// The arguments are wrong, or a name has no value here.
pub(super) fn substitute(scope: &Scope, argument: &Node, line: usize) -> Result<String, Problem> {
    let wrong = || Problem::at(line, "Sub: expected text, or text and a mapping");
    let (template, own) = match &argument.value {
        Value::List(parts) => match parts.as_slice() {
            [template] => (template, &[][..]),
            [template, own] => (template, own.entries()),
            _ => return Err(wrong()),
        },
        _ => (argument, &[][..]),
    };
    // Not evaluated: a dynamic reference may hold a name in its turn.
    let template = template.scalar().ok_or_else(wrong)?;
    let mut result = String::new();
    let mut rest = template.as_str();
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, after)) = after.split_once('}') else {
            break;
        };
        result.push_str(before);
        let name = name.trim();
        if let Some(literal) = name.strip_prefix('!') {
            // `${!Name}` is the literal text `${Name}`.
            result.extend(["${", literal, "}"]);
        } else if let Some((_, value)) = own.iter().find(|(key, _)| key.name == name) {
            result.push_str(&scope.text(value)?);
        } else if name.contains('.') && !name.contains("::") {
            result.push_str(&references::attribute(scope, name, line)?);
        } else {
            let value = references::reference(scope, name, line)?;
            let kind = Node { line, value };
            let text = kind.scalar().ok_or_else(|| {
                Problem::at(
                    line,
                    format!("Sub: {name} is {}; expected text", kind.kind()),
                )
            })?;
            result.push_str(&text);
        }
        rest = after;
    }
    result.push_str(rest);
    super::dynamic::resolve(scope, &result, line)
}
