//! The outcome of a command: its exit code, or its error.

use std::{fmt, process::ExitCode};

/// The exit code after Ctrl-C: 128 + SIGINT, the shells' convention.
pub const INTERRUPTED: u8 = 130;

/// Why a command failed.
#[derive(Debug)]
pub enum Failure {
    /// Bad arguments or configuration; the command did nothing.
    Configuration(anyhow::Error),
    /// The command ran and failed.
    Run(anyhow::Error),
}

/// The result of a command.
pub type Outcome = Result<ExitCode, Failure>;

impl Failure {
    /// A failure of arguments or configuration.
    pub fn configuration(error: impl Into<anyhow::Error>) -> Self {
        Self::Configuration(error.into())
    }

    /// A failure during the run.
    pub fn run(error: impl Into<anyhow::Error>) -> Self {
        Self::Run(error.into())
    }

    /// The process's exit code.
    #[must_use]
    pub fn code(&self) -> ExitCode {
        match self {
            Self::Configuration(_) => ExitCode::from(2),
            Self::Run(_) => ExitCode::FAILURE,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Configuration(error) | Self::Run(error)) = self;
        write!(f, "{error:#}")
    }
}
