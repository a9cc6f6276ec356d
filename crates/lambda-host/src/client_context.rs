//! `X-Amz-Client-Context` (API reference, `Invoke`).

use std::fmt::Write as _;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;

/// The JSON object that a header value encodes, on one line of ASCII, as it must be for the
/// runtime's header. `None` when the value is not base64 or not a JSON object.
pub(super) fn decode(value: &[u8]) -> Option<String> {
    let decoded = BASE64_STANDARD.decode(value).ok()?;
    let object: Value = serde_json::from_slice(&decoded).ok()?;
    let mut ascii = String::new();
    for character in object.as_object().map(|_| object.to_string())?.chars() {
        if character.is_ascii() {
            ascii.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _ = write!(ascii, "\\u{unit:04x}");
            }
        }
    }
    Some(ascii)
}

#[cfg(test)]
mod tests {
    use super::decode;
    use base64::{Engine, prelude::BASE64_STANDARD};

    #[test]
    fn a_client_context_becomes_one_line_of_ascii_json() {
        let context = BASE64_STANDARD.encode("{\n \"custom\": {\"k\": \"é😀\"}}");
        let decoded = decode(context.as_bytes()).unwrap();
        assert_eq!(decoded, r#"{"custom":{"k":"\u00e9\ud83d\ude00"}}"#);
    }

    #[test]
    fn a_client_context_that_is_not_a_base64_json_object_is_refused() {
        for value in [
            "{}",
            "%%%",
            &BASE64_STANDARD.encode("[]"),
            &BASE64_STANDARD.encode("{"),
        ] {
            assert_eq!(decode(value.as_bytes()), None, "{value}");
        }
    }
}
