//! Checksums as SQS computes them.

use std::{collections::BTreeMap, fmt::Write as _};

use sha2::{Digest as _, Sha256};

use crate::message::{AttributeValue, MessageAttribute};

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// MD5 of a body.
pub(crate) fn md5(body: &str) -> [u8; 16] {
    ::md5::compute(body).0
}

/// SHA-256 of a body: the deduplication id of content-based deduplication (API reference,
/// `SendMessage`, `MessageDeduplicationId`).
pub(crate) fn sha256(body: &str) -> String {
    hex(&Sha256::digest(body.as_bytes()))
}

/// MD5 of attributes (developer guide, "Calculating the MD5 message digest for message
/// attributes"): name, type, kind and value of each, in the order of the names.
pub(crate) fn attributes<'a>(
    attributes: impl IntoIterator<Item = (&'a String, &'a MessageAttribute)>,
) -> Option<String> {
    /// The kind of a text value, and of a binary one.
    const TEXT: u8 = 1;
    const BINARY: u8 = 2;
    let mut context = ::md5::Context::new();
    let mut any = false;
    for (name, attribute) in attributes {
        any = true;
        for part in [name, &attribute.data_type] {
            context.consume(length(part.as_bytes()));
            context.consume(part);
        }
        context.consume([match attribute.value {
            AttributeValue::Text(_) => TEXT,
            AttributeValue::Binary(_) => BINARY,
        }]);
        context.consume(length(attribute.value.as_bytes()));
        context.consume(attribute.value.as_bytes());
    }
    any.then(|| hex(&context.compute().0))
}

/// MD5 of the system attribute `AWSTraceHeader`.
pub(crate) fn system_attributes(trace_header: Option<&str>) -> Option<String> {
    let value = AttributeValue::Text(trace_header?.to_owned());
    let attribute = MessageAttribute {
        data_type: "String".to_owned(),
        value,
    };
    attributes(&BTreeMap::from([("AWSTraceHeader".to_owned(), attribute)]))
}

fn length(bytes: &[u8]) -> [u8; 4] {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{attributes, sha256};
    use crate::message::{AttributeValue, MessageAttribute};

    #[test]
    fn the_digest_of_a_body_is_sha_256() {
        let expected = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
        assert_eq!(sha256("hello"), expected);
    }

    #[test]
    fn attributes_of_both_kinds_have_the_digest_of_the_developer_guide() {
        let text = MessageAttribute {
            data_type: "String".to_owned(),
            value: AttributeValue::Text("a".to_owned()),
        };
        let binary = MessageAttribute {
            data_type: "Binary".to_owned(),
            value: AttributeValue::Binary(vec![1, 2, 3].into()),
        };
        let all = BTreeMap::from([("one".to_owned(), text), ("two".to_owned(), binary)]);
        assert_eq!(
            attributes(&all).unwrap(),
            "a0c4cd9a268b68dbd971af9dcdaf04bd"
        );
    }
}
