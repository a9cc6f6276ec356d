//! Environment variables, and errors in them.

use std::{fmt, ops::RangeInclusive, time::Duration};

/// An environment variable that cannot be used. The value shows in the message: no
/// variable of this function holds a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// Its name.
    pub variable: &'static str,
    /// Its value; `None` if it is not set.
    pub held: Option<String>,
    /// A description of the values that it may have.
    pub expected: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            variable,
            held,
            expected,
        } = self;
        match held {
            Some(held) => write!(f, "{variable} is {held:?}; expected {expected}"),
            None => write!(f, "{variable} is not set; expected {expected}"),
        }
    }
}

impl std::error::Error for ConfigError {}

/// Variables by name. An empty one counts as unset.
pub(super) struct Variables<L>(pub L);

impl<L: Fn(&str) -> Option<String>> Variables<L> {
    pub fn text(&self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.trim().is_empty())
    }

    pub fn text_or(&self, name: &str, default: &str) -> String {
        self.text(name).unwrap_or_else(|| default.to_owned())
    }

    pub fn seconds(
        &self,
        name: &'static str,
        default: u64,
        range: RangeInclusive<u64>,
    ) -> Result<Duration, ConfigError> {
        self.number(name, default, range, "whole seconds")
            .map(Duration::from_secs)
    }

    pub fn milliseconds(
        &self,
        name: &'static str,
        default: u64,
        range: RangeInclusive<u64>,
    ) -> Result<Duration, ConfigError> {
        self.number(name, default, range, "whole milliseconds")
            .map(Duration::from_millis)
    }

    /// A count, small enough for memory.
    pub fn count(
        &self,
        name: &'static str,
        default: u16,
        range: RangeInclusive<u16>,
    ) -> Result<u16, ConfigError> {
        let range = (*range.start()).into()..=(*range.end()).into();
        let number = self.number(name, default.into(), range, "a whole number")?;
        Ok(u16::try_from(number).unwrap_or(u16::MAX))
    }

    /// One of `choices`; the first is the default.
    pub fn choice<T: Copy>(
        &self,
        name: &'static str,
        choices: [(&str, T); 2],
    ) -> Result<T, ConfigError> {
        let [(_, default), _] = choices;
        let Some(held) = self.text(name) else {
            return Ok(default);
        };
        let chosen = choices.iter().find(|(choice, _)| *choice == held.trim());
        chosen.map(|(_, value)| *value).ok_or_else(|| ConfigError {
            variable: name,
            held: Some(held),
            expected: choices.map(|(choice, _)| choice).join(" or "),
        })
    }

    fn number(
        &self,
        variable: &'static str,
        default: u64,
        range: RangeInclusive<u64>,
        what: &str,
    ) -> Result<u64, ConfigError> {
        let Some(held) = self.text(variable) else {
            return Ok(default);
        };
        match held.trim().parse() {
            Ok(value) if range.contains(&value) => Ok(value),
            _ => Err(ConfigError {
                variable,
                held: Some(held),
                expected: format!("{what} from {} to {}", range.start(), range.end()),
            }),
        }
    }
}
