//! `wildcard`: `*` stands for any text, `\*` and `\\` for themselves.
//! (`EventBridge` user guide, "Matching using wildcards".)

/// Texts that must follow each other with anything in between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wildcard {
    /// At least one: the texts between the stars.
    parts: Vec<String>,
}

impl Wildcard {
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let mut parts = vec![String::new()];
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '*' if characters.peek() == Some(&'*') => {
                    return Err("a wildcard may not have two * in a row");
                }
                '*' => parts.push(String::new()),
                '\\' => match characters.next() {
                    Some(escaped @ ('*' | '\\')) => push(&mut parts, escaped),
                    _ => return Err("in a wildcard \\ stands before * or \\"),
                },
                other => push(&mut parts, other),
            }
        }
        Ok(Self { parts })
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        let [first, between @ ..] = self.parts.as_slice() else {
            return false;
        };
        let Some((last, between)) = between.split_last() else {
            return text == first;
        };
        let Some(mut rest) = text.strip_prefix(first.as_str()) else {
            return false;
        };
        for part in between {
            // The first match is as good as any: anything may follow it.
            match rest.find(part.as_str()) {
                Some(place) => rest = &rest[place + part.len()..],
                None => return false,
            }
        }
        rest.ends_with(last.as_str())
    }
}

fn push(parts: &mut [String], character: char) {
    if let Some(part) = parts.last_mut() {
        part.push(character);
    }
}
