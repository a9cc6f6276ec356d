//! `parameter_overrides` of `samconfig.toml` (SAM developer guide, "SAM CLI configuration
//! file"): the values that `sam deploy` would give to the template's parameters.

use std::{collections::BTreeMap, io::ErrorKind, path::Path};

use toml::{Table, Value};

use super::TemplateError;

/// The file's name; it is in the template's folder.
pub const FILE: &str = "samconfig.toml";

/// The environment that SAM uses without `--config-env`.
const ENVIRONMENT: &str = "default";

/// The tables of an environment, the later over the earlier: what holds for all commands,
/// and what holds for `sam build` and `sam deploy`.
const COMMANDS: [&str; 3] = ["global", "build", "deploy"];

/// The overrides in the file beside `template`; none without a file.
///
/// # Errors
///
/// The file cannot be read, is not TOML, or has overrides of another form.
pub fn beside(template: &Path) -> Result<BTreeMap<String, String>, TemplateError> {
    let path = template.with_file_name(FILE);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(reason) => return Err(TemplateError::Unreadable { path, reason }),
    };
    parse(&text).map_err(|(line, problem)| TemplateError::Invalid {
        path,
        line,
        problem,
    })
}

/// The overrides in a file's text, or the line of a problem and the problem.
fn parse(text: &str) -> Result<BTreeMap<String, String>, (usize, String)> {
    let file: Table = toml::from_str(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        let before = text.get(..start).unwrap_or_default();
        (
            before.matches('\n').count() + 1,
            error.message().replace('\n', " "),
        )
    })?;
    let mut overrides = BTreeMap::new();
    for command in COMMANDS {
        let found = file.get(ENVIRONMENT).and_then(|environment| {
            environment
                .get(command)?
                .get("parameters")?
                .get("parameter_overrides")
        });
        if let Some(found) = found {
            overrides.extend(read(found).map_err(|problem| (line_of(text), problem))?);
        }
    }
    Ok(overrides)
}

fn line_of(text: &str) -> usize {
    let line = text
        .lines()
        .position(|line| line.contains("parameter_overrides"));
    line.map_or(1, |index| index + 1)
}

fn read(value: &Value) -> Result<Vec<(String, String)>, String> {
    match value {
        Value::String(text) => pairs(text),
        Value::Array(items) => {
            let mut all = Vec::new();
            for item in items {
                match item {
                    Value::String(text) => all.extend(pairs(text)?),
                    other => return Err(unexpected(other)),
                }
            }
            Ok(all)
        }
        Value::Table(table) => {
            let pairs = table.iter().map(|(name, value)| {
                let value = match value {
                    Value::String(text) => text.clone(),
                    Value::Integer(number) => number.to_string(),
                    Value::Float(number) => number.to_string(),
                    Value::Boolean(value) => value.to_string(),
                    other => return Err(unexpected(other)),
                };
                Ok((name.clone(), value))
            });
            pairs.collect()
        }
        other => Err(unexpected(other)),
    }
}

fn unexpected(value: &Value) -> String {
    format!(
        "parameter_overrides: expected NAME=VALUE in a text or a list, found {}",
        value.type_str()
    )
}

/// `A=1 B="two words"`, or `ParameterKey=A,ParameterValue=1`.
fn pairs(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut pairs = Vec::new();
    for word in words(text) {
        let of_key = word.strip_prefix("ParameterKey=");
        let pair = match of_key.and_then(|rest| rest.split_once(",ParameterValue=")) {
            Some(pair) => Some(pair),
            None => word.split_once('='),
        };
        match pair {
            Some((name, value)) if !name.is_empty() => {
                pairs.push((name.to_owned(), value.to_owned()));
            }
            _ => {
                return Err(format!(
                    "parameter_overrides has {word:?}; expected NAME=VALUE"
                ));
            }
        }
    }
    Ok(pairs)
}

/// Splits at spaces outside quotes, and removes quotes and backslashes as a shell does.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (character, quote) {
            ('"' | '\'', None) => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (character, Some(open)) if character == open => quote = None,
            ('\\', open) if open != Some('\'') => {
                word.get_or_insert_default().extend(characters.next());
            }
            (character, None) if character.is_whitespace() => words.extend(word.take()),
            (character, _) => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::parse;

    fn overrides(lines: &str) -> Vec<(String, String)> {
        let text = format!("version = 0.1\n[default.deploy.parameters]\n{lines}\n");
        parse(&text).unwrap().into_iter().collect()
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn overrides_are_read_from_a_text_a_list_and_a_table() {
        let expected = vec![pair("A", "1"), pair("B", "two words"), pair("C", "x=y")];
        for form in [
            r#"parameter_overrides = "A=1 B=\"two words\" C=x=y""#,
            r#"parameter_overrides = ["A=1", "B='two words'", "C=x=y"]"#,
            r#"parameter_overrides = "ParameterKey=A,ParameterValue=1 ParameterKey=B,ParameterValue='two words' C=x=y""#,
            r#"parameter_overrides = { A = 1, B = "two words", C = "x=y" }"#,
        ] {
            assert_eq!(overrides(form), expected, "{form}");
        }
    }

    #[test]
    fn overrides_of_deploy_are_over_those_of_all_commands() {
        let text = "[default.deploy.parameters]\nparameter_overrides = 'A=deploy'\n\
                    [default.global.parameters]\nparameter_overrides = 'A=global B=global'\n\
                    [prod.deploy.parameters]\nparameter_overrides = 'B=prod'\n";
        let found: Vec<_> = parse(text).unwrap().into_iter().collect();
        assert_eq!(found, [pair("A", "deploy"), pair("B", "global")]);
    }

    #[test]
    fn an_override_without_a_value_is_refused_with_its_line() {
        let text = "version = 0.1\n[default.deploy.parameters]\nparameter_overrides = 'A'\n";
        let refused = (
            3,
            "parameter_overrides has \"A\"; expected NAME=VALUE".to_owned(),
        );
        assert_eq!(parse(text), Err(refused));
    }
}
