//! Splits valid JSON text into its strings and the rest.

/// A part of JSON text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'t> {
    /// Text without strings and without whitespace.
    Plain(&'t str),
    /// A string with its quotes.
    Text {
        /// The string, as the text spells it.
        quoted: &'t str,
        /// Whether it is the name of an object's field.
        is_name: bool,
        /// Its line, from 1.
        line: usize,
    },
}

/// The tokens of `json`, which must be valid.
pub(super) fn tokens(json: &str) -> Vec<Token<'_>> {
    let bytes = json.as_bytes();
    let (mut tokens, mut at, mut line) = (Vec::new(), 0, 1);
    while at < bytes.len() {
        let start = at;
        if bytes[at] == b'"' {
            at = end_of_string(bytes, at);
            let rest = json[at..].trim_start();
            tokens.push(Token::Text {
                quoted: &json[start..at],
                is_name: rest.starts_with(':'),
                line,
            });
        } else if bytes[at].is_ascii_whitespace() {
            line += usize::from(bytes[at] == b'\n');
            at += 1;
        } else {
            while at < bytes.len() && bytes[at] != b'"' && !bytes[at].is_ascii_whitespace() {
                at += 1;
            }
            tokens.push(Token::Plain(&json[start..at]));
        }
    }
    tokens
}

/// The index after the string that begins at `at`.
fn end_of_string(bytes: &[u8], mut at: usize) -> usize {
    at += 1;
    while at < bytes.len() && bytes[at] != b'"' {
        // The character after a backslash ends nothing.
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::{Token, tokens};

    #[test]
    fn strings_keep_their_escapes_and_whitespace_between_tokens_is_dropped() {
        let text = |quoted, is_name, line| Token::Text {
            quoted,
            is_name,
            line,
        };
        let json = "{\n  \"a b\" : [ 1, \"\\\"}\" ]\n}";
        assert_eq!(
            tokens(json),
            [
                Token::Plain("{"),
                text("\"a b\"", true, 2),
                Token::Plain(":"),
                Token::Plain("["),
                Token::Plain("1,"),
                text("\"\\\"}\"", false, 2),
                Token::Plain("]"),
                Token::Plain("}"),
            ]
        );
    }
}
