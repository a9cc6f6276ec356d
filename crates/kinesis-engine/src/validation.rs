//! Constraints of request members, reported the way AWS reports them.

use std::fmt::Display;

use super::error::KinesisError;

/// Collects broken constraints, so that one reply names them all.
///
/// AWS checks every member's declared length, range and pattern before it looks
/// at anything else, and answers with one `ValidationException`.
#[derive(Debug, Default)]
pub(crate) struct Constraints(Vec<String>);

impl Constraints {
    /// Notes that `member`, holding `value`, broke `constraint` unless `held`.
    pub(crate) fn require(
        &mut self,
        held: bool,
        member: impl Display,
        value: impl Display,
        constraint: impl Display,
    ) {
        if !held {
            self.0.push(format!(
                "Value '{value}' at '{member}' failed to satisfy constraint: Member must {constraint}"
            ));
        }
    }

    /// Requires an integer between `min` and `max`; an absent one is fine.
    pub(crate) fn range(&mut self, member: &str, value: Option<i64>, min: i64, max: i64) {
        let Some(value) = value else { return };
        let at_least = format!("have value greater than or equal to {min}");
        let at_most = format!("have value less than or equal to {max}");
        self.require(value >= min, member, value, at_least);
        self.require(value <= max, member, value, at_most);
    }

    /// Requires a string of `min` to `max` characters.
    pub(crate) fn length(&mut self, member: impl Display, value: &str, min: usize, max: usize) {
        // Counting characters is only needed where bytes do not settle it.
        if value.len() >= min && value.len() <= max && min <= 1 {
            return;
        }
        let length = value.chars().count();
        let at_least = format!("have length greater than or equal to {min}");
        let at_most = format!("have length less than or equal to {max}");
        self.require(length >= min, &member, value, at_least);
        self.require(length <= max, &member, value, at_most);
    }

    /// Requires a name as streams, shards and consumers have them.
    pub(crate) fn name(&mut self, member: &str, value: &str) {
        self.length(member, value, 1, 128);
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        self.require(
            value.bytes().all(allowed),
            member,
            value,
            "satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
        );
    }

    /// # Errors
    ///
    /// `ValidationException` naming every broken constraint.
    pub(crate) fn finish(self) -> Result<(), KinesisError> {
        let count = self.0.len();
        if count == 0 {
            return Ok(());
        }
        let plural = if count == 1 { "" } else { "s" };
        Err(KinesisError::Validation(format!(
            "{count} validation error{plural} detected: {}",
            self.0.join("; ")
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::Constraints;

    #[test]
    fn one_reply_names_every_broken_constraint() {
        let mut constraints = Constraints::default();
        constraints.range("limit", Some(0), 1, 10);
        constraints.name("streamName", "no spaces");
        let message = constraints.finish().unwrap_err().to_string();
        assert!(
            message.starts_with("2 validation errors detected: Value '0' at 'limit'"),
            "{message}"
        );
        assert!(message.contains("'no spaces' at 'streamName'"), "{message}");
    }

    #[test]
    fn lengths_count_characters_not_bytes() {
        let mut constraints = Constraints::default();
        constraints.length("partitionKey", &"é".repeat(256), 1, 256);
        constraints.finish().unwrap();
    }
}
