//! YAML and JSON with CloudFormation's tags. Every node knows its line, and a number
//! keeps the digits that are written.

use std::borrow::Cow;

use saphyr::{MarkedYaml, ScalarStyle, ScanError, Tag, YamlData, YamlLoader};
use saphyr_parser::Parser;

use super::Problem;

/// A value of the template, and its line.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The line, from 1.
    pub line: usize,
    /// The value.
    pub value: Value,
}

/// A node's value. `!Ref x` and `Ref: x` are read as the same function.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing: `Key:`.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number, kept as text so that it loses no digit.
    Number(String),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A YAML mapping, in the template's order.
    Map(Vec<(Key, Node)>),
    /// An intrinsic function, under its short name: `Ref`, `GetAtt`, `Sub`.
    Function(String, Box<Node>),
}

/// A mapping's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The line, from 1.
    pub line: usize,
    /// The key.
    pub name: String,
}

impl Node {
    /// The value of `key`, if the node is a mapping with that key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries()
            .iter()
            .find(|(name, _)| name.name == key)
            .map(|(_, node)| node)
    }

    /// A mapping's entries; empty for any other node.
    #[must_use]
    pub fn entries(&self) -> &[(Key, Node)] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The text of a scalar: a number and a boolean as they are written.
    #[must_use]
    pub fn scalar(&self) -> Option<String> {
        match &self.value {
            Value::Text(text) | Value::Number(text) => Some(text.clone()),
            Value::Bool(value) => Some(value.to_string()),
            _ => None,
        }
    }

    /// The kind of value, for messages.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::Text(_) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
            Value::Function(..) => "an intrinsic function",
        }
    }
}

/// Parses a YAML or JSON text that holds one document.
///
/// # Errors
///
/// The text is not YAML, has several documents, or its root is not a mapping.
pub fn parse(text: &str) -> Result<Node, Problem> {
    // A mark at the start is no part of the text (YAML 1.2, "Character Encodings").
    let text = with_quoted_dashes(text.trim_start_matches('\u{feff}'));
    let documents = load(&text).map_err(|error| {
        Problem::at(error.marker().line(), format!("not YAML: {}", error.info()))
    })?;
    let [document] = documents.as_slice() else {
        let what = format!("expected one YAML document, found {}", documents.len());
        return Err(Problem::at(1, what));
    };
    let root = convert(document)?;
    match root.value {
        Value::Map(_) => Ok(root),
        _ => Err(Problem::at(
            root.line,
            format!("expected a template with Resources, found {}", root.kind()),
        )),
    }
}

/// `text` with quotes around each `-` that stands alone in a flow list, such as in
/// `!Join [-, [a, b]]`: YAML 1.2 refuses it, CloudFormation takes it as a text.
fn with_quoted_dashes(text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    while let Some(at) = load(&text).err().and_then(|error| lone_dash(&text, &error)) {
        text.to_mut().replace_range(at..=at, "'-'");
    }
    text
}

/// Where a parser's error has such a `-`, in bytes.
fn lone_dash(text: &str, error: &ScanError) -> Option<usize> {
    const LONE_DASH: [&str; 2] = [
        "plain scalar cannot start with '-'",
        "\"-\" is only valid inside a block",
    ];
    if !LONE_DASH.iter().any(|info| error.info().starts_with(info)) {
        return None;
    }
    let (at, character) = text.char_indices().nth(error.marker().index())?;
    let before = text[..at].trim_end().chars().last()?;
    (character == '-' && "[{,:".contains(before)).then_some(at)
}

/// The documents, with every scalar as it is written: parsed early, `007` would become 7.
fn load(text: &str) -> Result<Vec<MarkedYaml<'_>>, ScanError> {
    let mut loader = YamlLoader::default();
    loader.early_parse(false);
    let mut parser = Parser::new_from_str(text);
    parser.load(&mut loader, true)?;
    match loader.error() {
        Some(error) => Err(error.clone()),
        None => Ok(loader.into_documents()),
    }
}

fn convert(yaml: &MarkedYaml) -> Result<Node, Problem> {
    let line = yaml.span.start.line();
    let value = match &yaml.data {
        YamlData::Representation(text, style, tag) => scalar(text, *style, tag.as_deref(), line),
        YamlData::Sequence(items) => {
            Value::List(items.iter().map(convert).collect::<Result<_, _>>()?)
        }
        YamlData::Mapping(entries) => long_form(
            entries
                .iter()
                .map(|(key, value)| Ok((convert_key(key)?, convert(value)?)))
                .collect::<Result<_, Problem>>()?,
        ),
        YamlData::Tagged(tag, inner) if tag.handle == "!" => {
            Value::Function(tag.suffix.clone(), Box::new(convert(inner)?))
        }
        YamlData::Tagged(_, inner) => return convert(inner),
        YamlData::Value(_) | YamlData::Alias(_) | YamlData::BadValue => {
            let what = "unsupported YAML value; expected a scalar, a list or a mapping";
            return Err(Problem::at(line, what));
        }
    };
    Ok(Node { line, value })
}

/// A scalar, or the function of its tag: `!Ref Name`.
fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>, line: usize) -> Value {
    match tag {
        Some(tag) if tag.handle == "!" => {
            let value = plain(text, style);
            Value::Function(tag.suffix.clone(), Box::new(Node { line, value }))
        }
        Some(tag) if tag.suffix == "str" => Value::Text(text.to_owned()),
        _ => plain(text, style),
    }
}

/// The value of a scalar without a tag (YAML 1.2, "Core Schema").
fn plain(text: &str, style: ScalarStyle) -> Value {
    if style != ScalarStyle::Plain {
        return Value::Text(text.to_owned());
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ if is_number(text) => Value::Number(text.to_owned()),
        _ => Value::Text(text.to_owned()),
    }
}

/// Whether `text` is a decimal number, such as `-1`, `007`, `0.5` or `1e3`.
fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        && unsigned.contains(|c: char| c.is_ascii_digit())
        && unsigned.parse::<f64>().is_ok()
}

fn convert_key(key: &MarkedYaml) -> Result<Key, Problem> {
    let node = convert(key)?;
    match node.value {
        Value::Text(name) | Value::Number(name) => Ok(Key {
            line: node.line,
            name,
        }),
        _ => Err(Problem::at(
            node.line,
            format!("expected a key, found {}", node.kind()),
        )),
    }
}

/// Recognises a function's long form: `{Ref: x}` and `{Fn::Sub: x}`.
fn long_form(mut entries: Vec<(Key, Node)>) -> Value {
    if entries.len() == 1 {
        let name = &entries[0].0.name;
        let function = match name.strip_prefix("Fn::") {
            Some(function) => Some(function.to_owned()),
            None => (name == "Ref").then(|| name.clone()),
        };
        if let Some(function) = function {
            return Value::Function(function, Box::new(entries.remove(0).1));
        }
    }
    Value::Map(entries)
}

#[cfg(test)]
mod tests {
    use super::{Value, parse};

    #[test]
    fn a_function_s_short_and_long_forms_are_read_as_the_same_function() {
        let root = parse("Short: !Ref Stream\nLong: {Ref: Stream}\n").unwrap();
        let (short, long) = (root.get("Short").unwrap(), root.get("Long").unwrap());
        assert!(matches!(&short.value, Value::Function(name, _) if name == "Ref"));
        assert!(matches!(&long.value, Value::Function(name, _) if name == "Ref"));
    }

    #[test]
    fn a_node_knows_its_line() {
        let root = parse("A: 1\nB:\n  C: !Sub 'x'\n").unwrap();
        assert_eq!(root.get("B").unwrap().get("C").unwrap().line, 3);
    }

    #[test]
    fn a_number_keeps_its_digits_and_quoted_digits_stay_text() {
        let root = parse("A: 007\nB: '007'\nC: 1.50\nD: 2010-09-09\nE: .\nF: !Ref 'x'\n").unwrap();
        let value = |key: &str| root.get(key).unwrap().value.clone();
        assert_eq!(value("A"), Value::Number("007".to_owned()));
        assert_eq!(value("B"), Value::Text("007".to_owned()));
        assert_eq!(value("C"), Value::Number("1.50".to_owned()));
        assert_eq!(value("D"), Value::Text("2010-09-09".to_owned()));
        assert_eq!(value("E"), Value::Text(".".to_owned()));
    }

    #[test]
    fn a_dash_alone_in_a_flow_list_is_text() {
        let root = parse("É: !Join [-, [a, !Split [ - , b]]]\nB: [-]\nC: [a -1, -b]\n").unwrap();
        let Value::List(items) = &root.get("B").unwrap().value else {
            panic!("{root:?}");
        };
        assert_eq!(items[0].value, Value::Text("-".to_owned()));
        assert!(root.get("É").is_some() && root.get("C").is_some());
    }

    #[test]
    fn json_is_read_with_its_lines() {
        let root = parse("{\n\t\"A\": {\"Ref\": \"B\"},\n  \"C\": true\n}\n").unwrap();
        assert!(matches!(&root.get("A").unwrap().value, Value::Function(name, _) if name == "Ref"));
        assert_eq!(root.get("C").unwrap().line, 3);
        assert_eq!(root.get("C").unwrap().value, Value::Bool(true));
    }

    #[test]
    fn invalid_yaml_is_refused_with_its_line() {
        let problem = parse("A: 1\nB: [1, 2\nC: 3\n").unwrap_err();
        assert!(problem.what.starts_with("not YAML"), "{problem:?}");
        assert!(problem.line >= 2, "{problem:?}");
    }
}
