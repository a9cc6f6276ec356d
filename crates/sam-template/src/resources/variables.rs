//! A function's environment variables.

use std::collections::BTreeMap;

use crate::{
    Problem,
    environment_variables::{MOST_BYTES, is_name, is_reserved},
    properties::Properties,
};

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
            if is_reserved(&key.name) {
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
