//! A record as JSON text with placeholders.
//!
//! A placeholder stands in a JSON string: `"order-${sequence}"`. A string that is nothing
//! but a placeholder for a number becomes a number: `"${int:1..100}"`. `$${` is a literal
//! `${`.

mod placeholder;
mod scan;

use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use time::OffsetDateTime;

pub use placeholder::PLACEHOLDERS;
use placeholder::{Placeholder, Values};
use scan::{Token, tokens};

/// A template, ready to be filled in.
#[derive(Debug, Clone)]
pub struct Template {
    pieces: Vec<Piece>,
    /// A partition key that is the same in every record.
    constant_key: Option<String>,
}

/// Why a text is not a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{line}: {problem}")]
pub struct TemplateError {
    /// The line, from 1.
    pub line: usize,
    /// What the line has, and what is expected.
    pub problem: String,
}

#[derive(Debug, Clone)]
enum Piece {
    /// JSON text.
    Text(String),
    /// A value inside a JSON string.
    InString(Placeholder),
    /// A value in place of a JSON string.
    Number(Placeholder),
    /// The partition key's JSON begins, or ends, here.
    Key,
}

impl Template {
    /// Reads a template. `key` is a JSON pointer (RFC 6901) to the partition key.
    ///
    /// # Errors
    ///
    /// The text is not JSON, a placeholder is unknown, or the pointer leads to no string
    /// or number.
    pub fn parse(text: &str, key: Option<&str>) -> Result<Self, TemplateError> {
        serde_json::from_str::<serde::de::IgnoredAny>(text).map_err(|error| TemplateError {
            line: error.line(),
            problem: format!("expected a JSON document with placeholders in its strings: {error}"),
        })?;
        let tokens = tokens(text);
        let (key_at, constant_key) = match key {
            Some(pointer) => locate(&tokens, pointer)?,
            None => (None, None),
        };
        let mut pieces = Vec::new();
        for (index, token) in tokens.iter().enumerate() {
            let is_key = key_at == Some(index);
            pieces.extend(is_key.then_some(Piece::Key));
            compile(token, &mut pieces)?;
            pieces.extend(is_key.then_some(Piece::Key));
        }
        Ok(Self {
            pieces: joined(pieces),
            constant_key,
        })
    }

    /// The data of the record of this number, and its partition key if the template has
    /// one.
    pub(crate) fn fill(
        &self,
        sequence: u64,
        random: &mut ChaCha8Rng,
        now: OffsetDateTime,
    ) -> (Vec<u8>, Option<String>) {
        let mut values = Values {
            sequence,
            random,
            now,
        };
        let mut data = String::new();
        let mut key_from = None;
        let mut key = self.constant_key.clone();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => data.push_str(text),
                Piece::Number(placeholder) => data.push_str(&placeholder.value(&mut values)),
                Piece::InString(placeholder) => {
                    data.push_str(&escaped(&placeholder.value(&mut values)));
                }
                Piece::Key => match key_from {
                    None => key_from = Some(data.len()),
                    Some(from) => key = Some(as_text(&data[from..])),
                },
            }
        }
        (data.into_bytes(), key)
    }
}

/// Finds what `pointer` leads to: the token with the partition key's placeholders, or a
/// key that every record has.
fn locate(
    tokens: &[Token<'_>],
    pointer: &str,
) -> Result<(Option<usize>, Option<String>), TemplateError> {
    // Every string with a placeholder is replaced by the number of its token.
    let marked: String = tokens
        .iter()
        .enumerate()
        .map(|(index, token)| match token {
            Token::Text {
                quoted,
                is_name: false,
                ..
            } if quoted.contains("${") => format!("\"\\u0000{index}\""),
            Token::Text { quoted, .. } => (*quoted).to_owned(),
            Token::Plain(text) => (*text).to_owned(),
        })
        .collect();
    let marked: Value = serde_json::from_str(&marked).unwrap_or_default();
    match marked.pointer(pointer) {
        Some(Value::String(text)) => match text.strip_prefix('\0') {
            Some(index) => Ok((index.parse().ok(), None)),
            None if !text.is_empty() => Ok((None, Some(text.clone()))),
            None => Err(no_key(pointer)),
        },
        Some(Value::Number(number)) => Ok((None, Some(number.to_string()))),
        _ => Err(no_key(pointer)),
    }
}

fn no_key(pointer: &str) -> TemplateError {
    TemplateError {
        line: 1,
        problem: format!("no string or number at {pointer}, the partition key"),
    }
}

fn compile(token: &Token<'_>, pieces: &mut Vec<Piece>) -> Result<(), TemplateError> {
    let (quoted, is_name, line) = match *token {
        Token::Plain(text) => {
            pieces.push(Piece::Text(text.to_owned()));
            return Ok(());
        }
        Token::Text {
            quoted,
            is_name,
            line,
        } => (quoted, is_name, line),
    };
    // The string's own escapes stay as they are.
    let mut rest = &quoted[1..quoted.len() - 1];
    let mut inside = Vec::new();
    while let Some(at) = rest.find("${") {
        let (before, from) = rest.split_at(at);
        if let Some(before) = before.strip_suffix('$') {
            inside.push(Piece::Text(format!("{before}${{")));
            rest = &from[2..];
            continue;
        }
        let Some((name, after)) = from[2..].split_once('}') else {
            let problem = format!("{quoted} has no }} after ${{; write $${{ for a literal ${{");
            return Err(TemplateError { line, problem });
        };
        let name = as_text(&format!("\"{name}\""));
        let placeholder =
            Placeholder::parse(&name).map_err(|problem| TemplateError { line, problem })?;
        let whole = before.is_empty() && after.is_empty() && inside.is_empty() && !is_name;
        if whole && placeholder.is_number() {
            pieces.push(Piece::Number(placeholder));
            return Ok(());
        }
        inside.push(Piece::Text(before.to_owned()));
        inside.push(Piece::InString(placeholder));
        rest = after;
    }
    pieces.push(Piece::Text("\"".to_owned()));
    pieces.append(&mut inside);
    pieces.push(Piece::Text(format!("{rest}\"")));
    Ok(())
}

/// The pieces, with texts that follow each other joined.
fn joined(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut joined: Vec<Piece> = Vec::new();
    for piece in pieces {
        match (joined.last_mut(), piece) {
            (Some(Piece::Text(before)), Piece::Text(text)) => before.push_str(&text),
            (_, piece) => joined.push(piece),
        }
    }
    joined
}

/// `value` as it stands between the quotes of a JSON string.
fn escaped(value: &str) -> std::borrow::Cow<'_, str> {
    let plain = |byte: u8| byte >= 0x20 && byte != b'"' && byte != b'\\';
    if value.bytes().all(plain) {
        return value.into();
    }
    let quoted = Value::from(value).to_string();
    quoted[1..quoted.len() - 1].to_owned().into()
}

/// The text of a JSON string or number.
fn as_text(json: &str) -> String {
    serde_json::from_str(json).unwrap_or_else(|_| json.to_owned())
}
