//! How a command ends: its exit code, or why it failed.

use std::{fmt, process::ExitCode};

/// Exit code after Ctrl-C: 128 + SIGINT, as shells have it.
pub const INTERRUPTED: u8 = 130;

/// Why a command failed.
#[derive(Debug)]
pub enum Failure {
    /// Bad arguments or configuration; nothing was done.
    Configuration(anyhow::Error),
    /// It ran and failed.
    Run(anyhow::Error),
}

/// What a command comes to.
pub type Outcome = Result<ExitCode, Failure>;

impl Failure {
    /// A failure of arguments or configuration.
    pub fn configuration(error: impl Into<anyhow::Error>) -> Self {
        Self::Configuration(error.into())
    }

    /// A failure on the way.
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
