//! Dynamic references in texts: `{{resolve:ssm:NAME}}` (CloudFormation user guide,
//! "Get values stored in other services using dynamic references").

use super::{Problem, document::Value, resources::KIND_OF_PARAMETER, scope::Scope};

const START: &str = "{{resolve:";
const END: &str = "}}";

/// `text` with its dynamic references replaced by values.
///
/// # Errors
///
/// A parameter that a reference names has no value here.
pub(super) fn resolve(scope: &Scope, text: &str, line: usize) -> Result<String, Problem> {
    let mut result = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(START) {
        let Some((reference, after)) = after.split_once(END) else {
            break;
        };
        result.push_str(before);
        result.push_str(&value(scope, reference, line)?);
        rest = after;
    }
    result.push_str(rest);
    Ok(result)
}

fn value(scope: &Scope, reference: &str, line: usize) -> Result<String, Problem> {
    let (service, key) = reference.split_once(':').unwrap_or((reference, ""));
    match service {
        "ssm" | "ssm-secure" => {
            // A version may follow the name; there is only the newest here.
            let name = key
                .rsplit_once(':')
                .filter(|(_, version)| version.parse::<u32>().is_ok());
            parameter(scope, name.map_or(key, |(name, _)| name), line)
        }
        "secretsmanager" => {
            scope.notes.borrow_mut().add(
                "Secrets Manager is not served here: the text stays as it is; set the variable in local.toml",
                &format!("{START}secretsmanager:…{END}"),
            );
            Ok(format!("{START}{reference}{END}"))
        }
        other => Err(Problem::at(
            line,
            format!("{START}{other}:…{END}: expected ssm, ssm-secure or secretsmanager"),
        )),
    }
}

/// The value of an SSM parameter that exists from the start: seeded by `local.toml`, or a
/// resource of the template.
///
/// # Errors
///
/// There is none with this name.
pub(super) fn parameter(scope: &Scope, name: &str, line: usize) -> Result<String, Problem> {
    if let Some(value) = scope.context.seeded.0.get(name) {
        return Ok(value.clone());
    }
    for (key, resource) in scope.section("Resources") {
        let kind = resource.get("Type").map(|kind| &kind.value);
        if !matches!(kind, Some(Value::Text(kind)) if kind == KIND_OF_PARAMETER) {
            continue;
        }
        let Some(properties) = resource.get("Properties") else {
            continue;
        };
        let found = scope.once(
            &format!("parameter {}", key.name),
            line,
            || match properties.get("Name") {
                Some(named) if scope.text(named)? == name => properties
                    .get("Value")
                    .map(|value| scope.text(value))
                    .transpose(),
                _ => Ok(None),
            },
        );
        match found {
            Ok(Some(value)) => return Ok(value),
            Ok(None) => {}
            // Its own value depends on this one.
            Err(problem) if problem.what.ends_with("depends on itself") => {}
            Err(problem) => return Err(problem),
        }
    }
    Err(Problem::at(
        line,
        format!(
            "SSM parameter {name} has no value before the start\nhint: give it one in local.toml, without a placeholder: [[seed.parameters]] name = {name:?}"
        ),
    ))
}
