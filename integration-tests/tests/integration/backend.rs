//! Which backends run the scenarios: `E2E_BACKEND`, and what this machine has.

use std::{env, fmt};

use anyhow::bail;

use crate::docker::{self, Images};

/// The variable that chooses.
const VARIABLE: &str = "E2E_BACKEND";

/// Where a scenario runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// Everything in this process.
    Embedded,
    /// `LocalStack`, AWS's Runtime Interface Emulator and the cache in
    /// containers; the mapping in this process.
    Localstack,
}

/// A backend, and why it cannot run where it cannot.
pub struct Candidate {
    pub backend: Backend,
    pub missing: Option<String>,
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Embedded => "embedded",
            Self::Localstack => "localstack",
        })
    }
}

/// What `E2E_BACKEND` asks for: `auto` (or nothing) is every backend, the
/// containers ignored where they cannot run; a backend's name is that one, and
/// something missing then fails.
///
/// # Errors
///
/// Its value is none of these, or what it asks for cannot run here.
pub fn candidates(images: &Images) -> anyhow::Result<Vec<Candidate>> {
    let asked = env::var(VARIABLE).unwrap_or_default();
    let embedded = || Candidate {
        backend: Backend::Embedded,
        missing: None,
    };
    let localstack = |missing| Candidate {
        backend: Backend::Localstack,
        missing,
    };
    match asked.as_str() {
        "" | "auto" => Ok(vec![embedded(), localstack(docker::missing(images))]),
        "embedded" => Ok(vec![embedded()]),
        "localstack" => match docker::missing(images) {
            None => Ok(vec![localstack(None)]),
            Some(missing) => bail!("{VARIABLE} is localstack, and {missing}"),
        },
        other => bail!("{VARIABLE} is {other:?}; expected auto, embedded or localstack"),
    }
}
