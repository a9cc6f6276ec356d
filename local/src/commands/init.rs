//! `klocal init`: a first `local.toml` and sample records beside an existing template.

use std::{
    fmt::Write as _,
    fs::OpenOptions,
    io::{self, ErrorKind, Write as _},
    path::Path,
    process::ExitCode,
};

use anyhow::Context;
use clap::Args;
use sam_template::{
    Environment,
    environment::{Function, Table},
};

use super::args::TemplateArgs;
use crate::{
    outcome::{Failure, Outcome},
    project::local_toml,
};

/// The sample records' file.
const RECORDS: &str = "records.jsonl";

/// How many sample records there are: more than one shard and one batch item can tell apart.
const SAMPLES: u32 = 5;

/// Words in the name of a variable that leads to a server.
const ENDPOINT_WORDS: [&str; 6] = ["ENDPOINT", "URL", "URI", "HOST", "ADDRESS", "BROKER"];

/// Write a `local.toml` and sample records beside a template, from what it names.
#[derive(Debug, Args)]
#[command(after_help = "\
A file that exists stays as it is. What local.toml suggests is commented out, except the file of
sample records.

Example:
  cargo local init --template template.yaml")]
pub struct Init {
    #[command(flatten)]
    template: TemplateArgs,
}

impl Init {
    /// Writes both files.
    ///
    /// # Errors
    ///
    /// The template cannot be read, or a file cannot be written.
    pub fn run(&self) -> Outcome {
        let (template, environment) = self.template.read_alone()?;
        let name = template.file_name().unwrap_or_default().to_string_lossy();
        for (file, text) in [
            (local_toml::FILE, suggestions(&name, &environment)),
            (RECORDS, sample_records()),
        ] {
            let path = template.with_file_name(file);
            let written = write_new(&path, &text)
                .with_context(|| path.display().to_string())
                .map_err(Failure::run)?;
            let outcome = if written {
                "wrote"
            } else {
                "kept the existing"
            };
            eprintln!("{outcome} {}", path.display());
        }
        eprint!("{}", next_steps(&environment));
        Ok(ExitCode::SUCCESS)
    }
}

/// Writes a file unless it exists; returns whether it did not.
fn write_new(path: &Path, text: &str) -> io::Result<bool> {
    match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(mut file) => file.write_all(text.as_bytes()).map(|()| true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

fn next_steps(environment: &Environment) -> String {
    let mut text = format!(
        "
Next:
  edit {RECORDS}: one record a line, in the form that your function expects
  klocal e2e              write the records and check that the function processes each
  klocal up               run everything until Ctrl-C
  klocal exec -- COMMAND  run your tests with everything on free ports
"
    );
    if environment.mappings.is_empty() {
        text.push_str("\nThe template has no event source mapping: nothing would read records.\n");
    }
    text
}

fn sample_records() -> String {
    (1..=SAMPLES).fold(String::new(), |mut text, id| {
        let _ = writeln!(text, "{{\"id\": \"{id}\", \"value\": {}}}", id * 10);
        text
    })
}

/// The text of a `local.toml`.
fn suggestions(template: &str, environment: &Environment) -> String {
    let mut text = format!(
        "\
# What the project needs on this machine beyond {template}. `sam deploy` does not read it.
# Remove the # in front of what you need, and set its value.

# The records that `klocal e2e` writes{}: one JSON document a line.
[e2e]
records = {{ file = \"{RECORDS}\" }}
",
        environment
            .mappings
            .first()
            .map_or(String::new(), |mapping| format!(
                " to stream {}",
                mapping.stream
            ))
    );
    for function in &environment.functions {
        text.push_str(&variables(function));
    }
    let functions = &environment.functions;
    let variables = || functions.iter().flat_map(|function| &function.environment);
    if variables().any(|(name, _)| is_cache(name)) {
        text.push_str(
            "
# Caches that exist from the start. With this section a cache is served here.
# [cache]
# names = [\"cache\"]
",
        );
    }
    let known = |name: &str| environment.parameters.iter().any(|one| one.name == name);
    let mut seen = Vec::new();
    for (name, value) in variables() {
        if is_parameter(value) && !known(value) && !seen.contains(&value) {
            seen.push(value);
            text.push_str(&parameter(name, value));
        }
    }
    for table in &environment.tables {
        text.push_str(&items(table));
    }
    let known = |name: &str| environment.tables.iter().any(|one| one.name == name);
    for (name, value) in variables() {
        if is_table(name, value) && !known(value) && !seen.contains(&value) {
            seen.push(value);
            text.push_str(&table(name, value));
        }
    }
    text
}

/// The variables of a function that lead it to a server.
fn variables(function: &Function) -> String {
    let lines = function
        .environment
        .iter()
        .filter(|(name, value)| is_endpoint(name, value));
    let lines = lines.fold(String::new(), |mut lines, (name, _)| {
        let local = if is_cache(name) {
            "${cache.url}"
        } else {
            "http://127.0.0.1:8000"
        };
        let _ = writeln!(lines, "# {name} = {}", quoted(local));
        lines
    });
    if lines.is_empty() {
        return lines;
    }
    format!(
        "
# Servers that {name} calls, on this machine. AWS SDKs find theirs without this.
# [functions.{key}.environment]
{lines}",
        name = function.name,
        key = key(&function.name)
    )
}

fn parameter(variable: &str, name: &str) -> String {
    format!(
        "
# {variable} names this parameter, which the template does not create.
# [[seed.parameters]]
# name = {}
# type = \"SecureString\"    # or String, StringList
# value = \"a value for this machine\"
",
        quoted(name)
    )
}

fn items(table: &Table) -> String {
    let keys = table.definition["KeySchema"].as_array();
    let keys = keys.into_iter().flatten();
    let keys: Vec<_> = keys
        .filter_map(|key| key["AttributeName"].as_str())
        .collect();
    format!(
        "
# Items that are in the table from the start: one JSON object a line{}.
# [[seed.tables]]
# name = {}
# items = {}
",
        match keys.as_slice() {
            [] => String::new(),
            keys => format!(", each with {}", keys.join(" and ")),
        },
        quoted(&table.name),
        quoted(&format!("seed/{}.jsonl", table.name))
    )
}

fn table(variable: &str, name: &str) -> String {
    format!(
        "
# {variable} names this table, which the template does not create. `key` is its key attribute.
# [[seed.tables]]
# name = {}
# key = \"id\"
# items = {}
",
        quoted(name),
        quoted(&format!("seed/{name}.jsonl"))
    )
}

fn is_endpoint(name: &str, value: &str) -> bool {
    let name = name.to_uppercase();
    let named = ENDPOINT_WORDS
        .iter()
        .any(|word| name.split('_').any(|part| part == *word));
    // The tool sets the SDKs' own variables.
    !name.starts_with("AWS_") && (named || value.contains("://"))
}

fn is_cache(name: &str) -> bool {
    let name = name.to_uppercase();
    ["CACHE", "MOMENTO"].iter().any(|word| name.contains(word))
}

/// Whether a value is a parameter's name in a hierarchy, and no folder of Lambda's.
fn is_parameter(value: &str) -> bool {
    let folders = ["/tmp", "/opt", "/var", "/mnt"];
    let named = |one: char| one.is_ascii_alphanumeric() || "_.-/".contains(one);
    value.len() > 1
        && value.starts_with('/')
        && value.chars().all(named)
        && !folders.iter().any(|folder| value.starts_with(folder))
}

/// Whether a variable names a table (API reference, `CreateTable`, `TableName`).
fn is_table(name: &str, value: &str) -> bool {
    let named = |one: char| one.is_ascii_alphanumeric() || "_.-".contains(one);
    name.to_uppercase().contains("TABLE")
        && (3..=255).contains(&value.len())
        && value.chars().all(named)
}

/// A key of TOML.
fn key(name: &str) -> String {
    let bare = |one: char| one.is_ascii_alphanumeric() || "_-".contains(one);
    if !name.is_empty() && name.chars().all(bare) {
        name.to_owned()
    } else {
        quoted(name)
    }
}

/// A text of TOML: a JSON string is one.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
