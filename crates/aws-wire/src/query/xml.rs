//! Replies and errors in XML.

use serde_json::Value;

use super::shape::{Member, Shape};

/// Text inside an element. A carriage return is written as a reference, since parsers turn
/// a plain one into a line feed; other control characters have no form in XML 1.0.
pub(super) fn escape(text: &str, xml: &mut String) {
    for character in text.chars() {
        match character {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '"' => xml.push_str("&quot;"),
            '\r' => xml.push_str("&#xD;"),
            '\t' | '\n' => xml.push(character),
            character if character < ' ' || matches!(character, '\u{fffe}' | '\u{ffff}') => {
                xml.push('\u{fffd}');
            }
            character => xml.push(character),
        }
    }
}

/// `<name>text</name>`.
pub(super) fn element(name: &str, text: &str, xml: &mut String) {
    open(name, xml);
    escape(text, xml);
    close(name, xml);
}

/// `<name>`.
pub(super) fn open(name: &str, xml: &mut String) {
    xml.push('<');
    xml.push_str(name);
    xml.push('>');
}

/// `</name>`.
pub(super) fn close(name: &str, xml: &mut String) {
    xml.push_str("</");
    xml.push_str(name);
    xml.push('>');
}

/// The members that `value`, a JSON object, has.
pub(super) fn structure(members: &[Member], value: &Value, xml: &mut String) {
    for member in members {
        match value.get(member.name) {
            None | Some(Value::Null) => {}
            Some(value) => write(member.wire, &member.shape, value, xml),
        }
    }
}

fn write(name: &str, shape: &Shape, value: &Value, xml: &mut String) {
    match shape {
        Shape::Text | Shape::Integer | Shape::Boolean => match value {
            Value::String(text) => element(name, text, xml),
            other => element(name, &other.to_string(), xml),
        },
        Shape::Structure(members) => {
            open(name, xml);
            structure(members, value, xml);
            close(name, xml);
        }
        Shape::FlatList(item) => {
            for value in value.as_array().into_iter().flatten() {
                write(name, item, value, xml);
            }
        }
        Shape::List(item) => {
            open(name, xml);
            for value in value.as_array().into_iter().flatten() {
                write("member", item, value, xml);
            }
            close(name, xml);
        }
        Shape::FlatMap {
            key,
            value: called,
            of,
        } => {
            for (entry, value) in value.as_object().into_iter().flatten() {
                open(name, xml);
                element(key, entry, xml);
                write(called, of, value, xml);
                close(name, xml);
            }
        }
    }
}
