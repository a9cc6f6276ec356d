//! A function's environment variables, and the names that Lambda refuses.

use std::collections::BTreeMap;

use crate::template::{Problem, properties::Properties};

/// The names that Lambda reserves (Lambda developer guide, "Defined runtime environment
/// variables": the reserved ones).
const RESERVED: [&str; 18] = [
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
];

/// The most that names and values take together, bytes (Lambda developer guide, "Lambda
/// quotas").
const MOST_BYTES: usize = 4 * 1024;

/// The variables of a function; they override those of `Globals`.
///
/// # Errors
///
/// A name is reserved or malformed, or a value is not text.
pub(super) fn read(properties: &Properties) -> Result<BTreeMap<String, String>, Problem> {
    let mut variables = BTreeMap::new();
    for environment in properties.merged("Environment")? {
        environment.allow(&["Variables"], &[])?;
        let Some(inside) = environment.inside("Variables")? else {
            continue;
        };
        for (key, value) in inside.entries()? {
            let about = |line: usize, what: &str| {
                properties.problem(line, &format!("environment variable {}: {what}", key.name))
            };
            if RESERVED.contains(&key.name.as_str()) {
                let what = "Lambda reserves this name\nhint: choose another name, or leave the variable out";
                return Err(about(key.line, what));
            }
            if !is_name(&key.name) {
                let what = "expected a name of two or more letters, digits and underscores that begins with a letter";
                return Err(about(key.line, what));
            }
            let text = properties.scope().text(value);
            let text = text.map_err(|problem| about(problem.line, &problem.what))?;
            variables.insert(key.name.clone(), text);
        }
    }
    let bytes: usize = variables
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if bytes > MOST_BYTES {
        let what = format!("has {bytes} bytes of variables; expected at most {MOST_BYTES}");
        return Err(properties.wrong("Environment", &what));
    }
    Ok(variables)
}

/// API reference, `Environment`: the pattern of a variable's name.
fn is_name(name: &str) -> bool {
    name.len() >= 2
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
