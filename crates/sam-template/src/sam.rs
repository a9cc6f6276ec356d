//! Names that SAM makes up for a function, and the qualifiers of a function's ARN (SAM
//! specification, "Generated CloudFormation resources").

use super::{
    Problem,
    document::Node,
    references::{Referred, arn, resource},
    scope::Scope,
};

const FUNCTION: &str = "AWS::Serverless::Function";

/// Resources that SAM makes for all functions together.
const APIS: [&str; 2] = ["ServerlessRestApi", "ServerlessHttpApi"];

/// The value of a reference to something that SAM makes; `None` for any other name.
pub(super) fn reference(scope: &Scope, name: &str, line: usize) -> Result<Option<String>, Problem> {
    if let Some((id, part)) = name.split_once('.') {
        let Some(function) = resource(scope, id, line)?.filter(|found| found.kind == FUNCTION)
        else {
            return Ok(None);
        };
        return match part {
            "Alias" => {
                let alias = function.text(scope, "AutoPublishAlias")?;
                alias
                    .map(|alias| qualified(scope, &function, &alias))
                    .transpose()
            }
            "Version" => qualified(scope, &function, "1").map(Some),
            _ => Ok(None),
        };
    }
    Ok(is_made(scope, name).then(|| name.to_owned()))
}

/// The value of an attribute of something that SAM makes; `None` for any other name.
pub(super) fn attribute(scope: &Scope, id: &str, attribute: &str) -> Option<String> {
    is_made(scope, id).then(|| {
        if attribute == "Arn" {
            arn(scope, "iam", "role/", id)
        } else {
            format!("{id}.{attribute}")
        }
    })
}

/// Whether SAM makes a resource of this name: a role, an alias, a version, a URL or an
/// event of a function, or an API.
fn is_made(scope: &Scope, name: &str) -> bool {
    if APIS.iter().any(|api| name.starts_with(api)) {
        return true;
    }
    scope.section("Resources").iter().any(|(key, node)| {
        let Some(rest) = name.strip_prefix(&key.name) else {
            return false;
        };
        let events = node
            .get("Properties")
            .and_then(|properties| properties.get("Events"));
        let is_event = |event: &str| rest.starts_with(event);
        rest == "Role"
            || rest == "Url"
            || rest.starts_with("Alias")
            || rest.starts_with("Version")
            || events
                .map_or(&[][..], Node::entries)
                .iter()
                .any(|(event, _)| is_event(&event.name))
    })
}

/// The ARN of an `AWS::Lambda::Alias` or `AWS::Lambda::Version`.
pub(super) fn qualified_arn(scope: &Scope, found: &Referred) -> Result<String, Problem> {
    let function = found.text(scope, "FunctionName")?.unwrap_or_default();
    let name = function_name(&function);
    let qualifier = found.text(scope, "Name")?.unwrap_or_else(|| "1".to_owned());
    Ok(format!(
        "{}:{qualifier}",
        arn(scope, "lambda", "function:", &name)
    ))
}

fn qualified(scope: &Scope, function: &Referred, qualifier: &str) -> Result<String, Problem> {
    let name = function.name(scope)?;
    Ok(format!(
        "{}:{qualifier}",
        arn(scope, "lambda", "function:", &name)
    ))
}

/// A function's name, from its name, its partial or full ARN, each with or without a
/// version or alias (API reference, `FunctionName` of `Invoke`).
pub(super) fn function_name(text: &str) -> String {
    let name = match text.split_once("function:") {
        Some((_, name)) => name,
        None => text,
    };
    name.split(':').next().unwrap_or(name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::function_name;

    #[test]
    fn a_function_s_name_is_found_in_every_form() {
        for form in [
            "orders",
            "orders:live",
            "000000000000:function:orders",
            "arn:aws:lambda:us-east-1:000000000000:function:orders",
            "arn:aws:lambda:us-east-1:000000000000:function:orders:$LATEST",
        ] {
            assert_eq!(function_name(form), "orders", "{form}");
        }
    }
}
