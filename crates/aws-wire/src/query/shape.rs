//! What the members of a request and a reply are called in the query protocol, and what
//! they are. JSON needs no such description.

use serde_json::{Map, Value};

use super::form::Form;
use crate::error::AwsError;

/// What a member is.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// A string, a time in ISO 8601, or a blob in base64.
    Text,
    /// An integer.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// Members of its own.
    Structure(&'static [Member]),
    /// `Name.1`, `Name.2`; in XML the element is repeated.
    FlatList(&'static Shape),
    /// `Name.member.1`; in XML `<Name><member>`.
    List(&'static Shape),
    /// `Name.1.KEY` and `Name.1.VALUE`; in XML the element is repeated.
    FlatMap {
        /// What a key is called, such as `Name` or `Key`.
        key: &'static str,
        /// What a value is called, such as `Value`.
        value: &'static str,
        /// What a value is.
        of: &'static Shape,
    },
}

/// A member of a structure.
#[derive(Debug, Clone, Copy)]
pub struct Member {
    /// Its name in JSON, such as `AttributeNames`.
    pub name: &'static str,
    /// Its name in the query protocol, such as `AttributeName`.
    pub wire: &'static str,
    /// What it is.
    pub shape: Shape,
}

impl Member {
    /// A member with one name in both protocols.
    #[must_use]
    pub const fn new(name: &'static str, shape: Shape) -> Self {
        Self {
            name,
            wire: name,
            shape,
        }
    }

    /// A member that the query protocol calls `wire`.
    #[must_use]
    pub const fn called(name: &'static str, wire: &'static str, shape: Shape) -> Self {
        Self { name, wire, shape }
    }

    /// A string with one name in both protocols.
    #[must_use]
    pub const fn text(name: &'static str) -> Self {
        Self::new(name, Shape::Text)
    }

    /// An integer with one name in both protocols.
    #[must_use]
    pub const fn integer(name: &'static str) -> Self {
        Self::new(name, Shape::Integer)
    }
}

/// The members that a request has, as JSON.
///
/// # Errors
///
/// `InvalidParameterValue`: a value is not of its member's type.
pub(super) fn structure(members: &[Member], form: &Form) -> Result<Value, AwsError> {
    let mut object = Map::new();
    for member in members {
        if let Some(form) = form.member(member.wire) {
            object.insert(member.name.to_owned(), read(member, form)?);
        }
    }
    Ok(Value::Object(object))
}

fn read(member: &Member, form: &Form) -> Result<Value, AwsError> {
    let of = |shape: &Shape, form: &Form| {
        let member = Member {
            shape: *shape,
            ..*member
        };
        read(&member, form)
    };
    match member.shape {
        Shape::Text => Ok(Value::from(form.text().unwrap_or_default())),
        Shape::Integer => scalar::<i64>(member.wire, form, "an integer"),
        Shape::Boolean => scalar::<bool>(member.wire, form, "true or false"),
        Shape::Structure(members) => structure(members, form),
        Shape::FlatList(item) => {
            let items = form.items().into_iter().map(|form| of(item, form));
            items.collect::<Result<Vec<_>, _>>().map(Value::Array)
        }
        Shape::List(item) => {
            let list = form.member("member").map(Form::items).unwrap_or_default();
            let items = list.into_iter().map(|form| of(item, form));
            items.collect::<Result<Vec<_>, _>>().map(Value::Array)
        }
        Shape::FlatMap {
            key,
            value,
            of: shape,
        } => {
            let mut map = Map::new();
            for entry in form.items() {
                // An entry without a value is one whose value has no members.
                let empty = Form::default();
                let value = of(shape, entry.member(value).unwrap_or(&empty))?;
                map.insert(entry.text_of(key).unwrap_or_default().to_owned(), value);
            }
            Ok(Value::Object(map))
        }
    }
}

fn scalar<T>(name: &str, form: &Form, expected: &str) -> Result<Value, AwsError>
where
    T: std::str::FromStr,
    Value: From<T>,
{
    let text = form.text().unwrap_or_default();
    text.parse::<T>().map(Value::from).map_err(|_| {
        AwsError::client(
            "InvalidParameterValue",
            format!("Value {text} for parameter {name} is invalid. Reason: Must be {expected}."),
        )
    })
}
