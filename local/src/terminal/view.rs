//! What is shown, and in which form.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// The form of what is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Logs {
    /// A readable line for each event and each line of a function
    #[default]
    Pretty,
    /// Each event as a line of JSON, as `GET /_local/events` has it
    Json,
    /// The functions' own lines as they are, and nothing else
    Raw,
}

/// How much a line matters.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    ValueEnum,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Everything
    #[default]
    Trace,
    /// From debug on
    Debug,
    /// From information on: lines without a level, successful invocations
    Info,
    /// From warnings on: retries, partial batch responses, throttles
    Warn,
    /// Failed invocations, discarded batches, errors
    Error,
}

impl Level {
    /// As a line shows it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
        }
    }

    /// The level of that name, of any logger.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        match name.to_ascii_uppercase().as_str() {
            "TRACE" | "FINEST" => Some(Self::Trace),
            "DEBUG" | "FINE" => Some(Self::Debug),
            "INFO" | "INFORMATION" | "NOTICE" | "LOG" => Some(Self::Info),
            "WARN" | "WARNING" => Some(Self::Warn),
            "ERROR" | "ERR" | "FATAL" | "CRITICAL" | "PANIC" => Some(Self::Error),
            _ => None,
        }
    }
}

/// What is shown.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// In which form.
    pub logs: Logs,
    /// Only failed invocations, retries and discarded batches.
    pub quiet: bool,
    /// Only of these functions; empty: of all.
    pub functions: Vec<String>,
    /// Only from this level on.
    pub level: Level,
    /// Metrics too: log lines in the Embedded Metric Format.
    pub metrics: bool,
}

impl View {
    /// Whether events of this function are shown.
    #[must_use]
    pub fn has(&self, function: Option<&str>) -> bool {
        let wanted = |function| self.functions.iter().any(|one| one == function);
        self.functions.is_empty() || function.is_none_or(wanted)
    }
}
