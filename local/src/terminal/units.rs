//! Numbers, times and names for people.

use console::{measure_text_width, strip_ansi_codes};
use time::OffsetDateTime;

/// `1,234`.
#[must_use]
pub fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 record`, `1,234 records`.
#[must_use]
pub fn count(count: u64, thing: &str) -> String {
    let ending = match (count, thing.ends_with("ch")) {
        (1, _) => "",
        (_, true) => "es",
        (_, false) => "s",
    };
    format!("{} {thing}{ending}", number(count))
}

/// `0.42 ms`, `4.2 ms`, `412 ms`, `2.41 s`, `2 min 13 s`.
#[must_use]
pub fn duration(milliseconds: f64) -> String {
    match milliseconds {
        ms if ms < 1.0 => format!("{ms:.2} ms"),
        ms if ms < 9.95 => format!("{ms:.1} ms"),
        ms if ms < 999.5 => format!("{ms:.0} ms"),
        ms if ms < 59_995.0 => format!("{:.2} s", ms / 1000.0),
        ms => {
            let minutes = (ms / 60_000.0).floor();
            format!(
                "{minutes:.0} min {:.0} s",
                (ms - minutes * 60_000.0) / 1000.0
            )
        }
    }
}

/// The time of day, UTC, with milliseconds where there is room.
#[must_use]
pub fn clock(time: OffsetDateTime, milliseconds: bool) -> String {
    let (hour, minute, second) = (time.hour(), time.minute(), time.second());
    let text = format!("{hour:02}:{minute:02}:{second:02}");
    if milliseconds {
        return format!("{text}.{:03}", time.millisecond());
    }
    text
}

/// A name in at most `width` columns: its middle is left out.
#[must_use]
pub fn elided(name: &str, width: usize) -> String {
    if measure_text_width(name) <= width {
        return name.to_owned();
    }
    let characters: Vec<char> = name.chars().collect();
    let end = width.saturating_sub(1) / 2;
    let start = width.saturating_sub(1) - end;
    let (head, tail) = (&characters[..start], &characters[characters.len() - end..]);
    head.iter().chain(&['…']).chain(tail).collect()
}

/// `shardId-000000000012` as `12`.
#[must_use]
pub fn shard(id: &str) -> &str {
    match id.strip_prefix("shardId-") {
        Some(number) => match number.trim_start_matches('0') {
            "" => "0",
            number => number,
        },
        None => id,
    }
}

/// The last digits of a sequence number: they tell.
#[must_use]
pub fn sequence_number(number: &str) -> String {
    const DIGITS: usize = 12;
    match number.len().checked_sub(DIGITS) {
        Some(rest) if rest > 0 && number.is_ascii() => format!("…{}", &number[rest..]),
        _ => number.to_owned(),
    }
}

/// The type of an error that has a name; the Rust runtime's `Box<dyn Error>` has none.
#[must_use]
pub fn named(kind: &str) -> &str {
    if kind.contains("dyn core::error::Error") || kind.contains("dyn std::error::Error") {
        return "";
    }
    kind
}

/// Text in which a number as long as a sequence number is its last digits.
#[must_use]
pub fn short_numbers(text: &str) -> String {
    const LONG: usize = 50;
    let mut short = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|one: char| one.is_ascii_digit()) {
        let digits = &rest[start..];
        let end = digits.find(|one: char| !one.is_ascii_digit());
        let (digits, after) = digits.split_at(end.unwrap_or(digits.len()));
        short.push_str(&rest[..start]);
        if digits.len() >= LONG {
            short.push_str(&sequence_number(digits));
        } else {
            short.push_str(digits);
        }
        rest = after;
    }
    short + rest
}

/// Text without what would move the cursor or change the terminal: escape codes and
/// control characters, but for line breaks.
#[must_use]
pub fn printable(text: &str) -> String {
    let text = strip_ansi_codes(text);
    let shown = text.chars().filter_map(|one| match one {
        '\n' => Some('\n'),
        '\t' => Some(' '),
        one if one.is_control() => None,
        one => Some(one),
    });
    shown.collect()
}

#[cfg(test)]
mod tests {
    use super::{count, duration, elided, number, printable, sequence_number, shard};

    #[test]
    fn numbers_have_separators_and_things_a_plural() {
        assert_eq!(
            [0, 999, 1000, 1_234_567].map(number),
            ["0", "999", "1,000", "1,234,567"]
        );
        assert_eq!(count(1, "record"), "1 record");
        assert_eq!(count(2, "batch"), "2 batches");
    }

    #[test]
    fn a_duration_has_the_unit_that_fits_it() {
        let shown = [0.42, 4.21, 9.96, 412.4, 2412.0, 133_000.0].map(duration);
        assert_eq!(
            shown,
            [
                "0.42 ms",
                "4.2 ms",
                "10 ms",
                "412 ms",
                "2.41 s",
                "2 min 13 s"
            ]
        );
    }

    #[test]
    fn a_long_name_loses_its_middle() {
        assert_eq!(elided("orders", 6), "orders");
        assert_eq!(elided("kinesis-consumer-rust", 10), "kines…rust");
    }

    #[test]
    fn ids_are_short() {
        assert_eq!(shard("shardId-000000000000"), "0");
        assert_eq!(shard("shardId-000000000012"), "12");
        assert_eq!(shard("other"), "other");
        assert_eq!(
            sequence_number("49590338271490256608559692538361571095921575989136588898"),
            "…989136588898"
        );
        assert_eq!(sequence_number("12"), "12");
    }

    #[test]
    fn text_cannot_change_the_terminal() {
        assert_eq!(printable("\u{1b}[31mred\u{1b}[0m\u{7}\ttab\r"), "red tab");
    }
}
