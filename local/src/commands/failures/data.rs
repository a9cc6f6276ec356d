//! A record's data for people.

use serde_json::Value;

use crate::terminal::units::printable;

/// Bytes of a line of hexadecimal.
const HEX_LINE: usize = 16;

/// A record's data as JSON, as text, or in hexadecimal.
pub(super) fn data(bytes: &[u8]) -> String {
    if let Ok(value) = serde_json::from_slice::<Value>(bytes)
        && let Ok(text) = serde_json::to_string_pretty(&value)
    {
        return text;
    }
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains(|one: char| one.is_control() && !one.is_whitespace()) => {
            printable(text)
        }
        _ => hexadecimal(bytes),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    let lines = bytes.chunks(HEX_LINE).enumerate().map(|(line, bytes)| {
        let hex: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let text = bytes.iter().map(|byte| match byte {
            0x20..0x7f => char::from(*byte),
            _ => '.',
        });
        let (hex, text) = (hex.join(" "), text.collect::<String>());
        format!("{:08x}  {hex:<47}  {text}", line * HEX_LINE)
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::data;

    #[test]
    fn data_that_is_no_text_is_hexadecimal() {
        let expected = "00000000  00 61 ff 0a                                      .a..";
        assert_eq!(data(&[0, b'a', 0xff, b'\n']), expected);
    }
}
