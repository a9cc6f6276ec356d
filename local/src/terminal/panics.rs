//! Which lines of a function are about a panic.

use std::collections::HashMap;

use lambda_host::log::is_panic;

/// The part of a panic that a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Panic {
    /// Its first two lines: the place, and the message.
    Message,
    /// What follows.
    Backtrace,
}

/// Execution environments that are writing about a panic.
#[derive(Debug, Default)]
pub(super) struct Panics(HashMap<(String, u64), Panic>);

impl Panics {
    /// The part of a panic that this line is: its two first lines, or its backtrace.
    pub(super) fn part(&mut self, function: &str, environment: u64, text: &str) -> Option<Panic> {
        let begins = is_panic(text);
        if self.0.is_empty() && !begins {
            return None;
        }
        let of = (function.to_owned(), environment);
        if begins {
            self.0.insert(of, Panic::Message);
            return Some(Panic::Message);
        }
        let state = self.0.get_mut(&of)?;
        match state {
            Panic::Message => {
                *state = Panic::Backtrace;
                Some(Panic::Message)
            }
            Panic::Backtrace if is_backtrace(text) => Some(Panic::Backtrace),
            Panic::Backtrace => {
                self.0.remove(&of);
                None
            }
        }
    }
}

/// Whether a line continues a panic of Rust.
fn is_backtrace(text: &str) -> bool {
    let trimmed = text.trim_start();
    let is_frame = trimmed
        .split_once(": ")
        .is_some_and(|(number, _)| number.parse::<u32>().is_ok());
    trimmed.starts_with("stack backtrace:")
        || trimmed.starts_with("note: ")
        || trimmed.starts_with("at ")
        || is_frame
}
