//! A function's `Runtime` (Lambda developer guide, "Lambda runtimes").

use std::fmt;

/// What runs here, for messages.
pub(super) const SUPPORTED: &str = "provided.*, python3.*, nodejs18.x and later";

/// The oldest Node.js that runs here.
const OLDEST_NODE: u32 = 18;

/// A runtime that runs here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runtime {
    /// `provided.*`: the function is an executable.
    Provided,
    /// `python3.N`.
    Python {
        /// N.
        minor: u32,
    },
    /// `nodejsN.x`.
    Node {
        /// N.
        major: u32,
    },
}

impl Runtime {
    /// The runtime with this identifier; `None` if it does not run here.
    #[must_use]
    pub fn named(identifier: &str) -> Option<Self> {
        if identifier == "provided" || identifier.starts_with("provided.") {
            return Some(Self::Provided);
        }
        if let Some(minor) = identifier.strip_prefix("python3.") {
            return minor.parse().ok().map(|minor| Self::Python { minor });
        }
        let major = identifier.strip_prefix("nodejs")?.strip_suffix(".x")?;
        let major = major.parse().ok().filter(|major| *major >= OLDEST_NODE)?;
        Some(Self::Node { major })
    }
}

impl fmt::Display for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Provided => f.write_str("provided"),
            Self::Python { minor } => write!(f, "python3.{minor}"),
            Self::Node { major } => write!(f, "nodejs{major}.x"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Runtime;

    #[test]
    fn a_runtime_is_found_by_its_identifier() {
        for (identifier, runtime) in [
            ("provided.al2023", Some(Runtime::Provided)),
            ("python3.12", Some(Runtime::Python { minor: 12 })),
            ("nodejs22.x", Some(Runtime::Node { major: 22 })),
            ("nodejs16.x", None),
            ("nodejs", None),
            ("python2.7", None),
            ("python3", None),
            ("java21", None),
            ("dotnet8", None),
            ("ruby3.4", None),
            ("go1.x", None),
        ] {
            assert_eq!(Runtime::named(identifier), runtime, "{identifier}");
            if let Some(runtime) = runtime.filter(|runtime| *runtime != Runtime::Provided) {
                assert_eq!(runtime.to_string(), identifier);
            }
        }
    }
}
