//! Chooses the backends of the scenarios, from `E2E_BACKEND` and what this machine has.

use std::{env, fmt};

use anyhow::bail;

use crate::docker::{self, Images};

/// The environment variable that chooses the backend.
const VARIABLE: &str = "E2E_BACKEND";

/// The environment in which a scenario runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// Everything in this process.
    Embedded,
    /// `LocalStack`, AWS's Runtime Interface Emulator and the cache in
    /// containers; the mapping in this process.
    Localstack,
}

/// A backend, and the reason if it cannot run here.
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

/// The backends that `E2E_BACKEND` selects. `auto` (or unset) selects all; scenarios in
/// containers are ignored if those cannot run here. A backend's name selects that one,
/// which must be able to run.
///
/// # Errors
///
/// The value is unknown, or the named backend cannot run here.
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
            Some(missing) => bail!("{VARIABLE} is localstack, but {missing}"),
        },
        other => bail!("{VARIABLE} is {other:?}; expected auto, embedded or localstack"),
    }
}
