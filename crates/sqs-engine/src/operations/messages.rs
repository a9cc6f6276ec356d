//! Messages as requests and replies spell them.

use std::{borrow::Cow, collections::BTreeMap};

use aws_wire::blob::Blob;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{
    error::{Code, SqsError},
    message::{AttributeValue, MessageAttribute},
};

/// `MessageAttributeValue` of a request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GivenAttribute {
    string_value: Option<String>,
    binary_value: Option<Blob<'static>>,
    data_type: Option<String>,
    #[serde(default)]
    string_list_values: Option<Vec<String>>,
    #[serde(default)]
    binary_list_values: Option<Vec<String>>,
}

pub(super) type GivenAttributes = BTreeMap<String, GivenAttribute>;

/// `MessageAttributeValue` of a reply.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ShownAttribute<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    string_value: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    binary_value: Option<Blob<'a>>,
    data_type: &'a str,
}

impl<'a> From<&'a MessageAttribute> for ShownAttribute<'a> {
    fn from(attribute: &'a MessageAttribute) -> Self {
        let (text, binary) = match &attribute.value {
            AttributeValue::Text(text) => (Some(text.as_str()), None),
            AttributeValue::Binary(bytes) => (None, Some(Blob(Cow::Borrowed(&**bytes)))),
        };
        Self {
            string_value: text,
            binary_value: binary,
            data_type: &attribute.data_type,
        }
    }
}

impl GivenAttribute {
    /// # Errors
    ///
    /// `InvalidParameterValue`, `UnsupportedOperation` for lists, which AWS reserves.
    pub(super) fn read(self, name: &str) -> Result<MessageAttribute, SqsError> {
        let lists = [self.string_list_values, self.binary_list_values];
        if lists.into_iter().flatten().any(|list| !list.is_empty()) {
            return Err(SqsError::new(
                Code::UnsupportedOperation,
                "Message attribute list values in SendMessage operation are not supported.",
            ));
        }
        let value = match (self.string_value, self.binary_value) {
            (Some(text), None) => AttributeValue::Text(text),
            (None, Some(Blob(bytes))) => AttributeValue::Binary(Bytes::from(bytes.into_owned())),
            (None, None) => AttributeValue::Text(String::new()),
            (Some(_), Some(_)) => {
                return Err(SqsError::new(
                    Code::InvalidParameterValue,
                    format!("Message attribute '{name}' has both a string and a binary value."),
                ));
            }
        };
        Ok(MessageAttribute {
            data_type: self.data_type.unwrap_or_default(),
            value,
        })
    }
}
