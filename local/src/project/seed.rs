//! Parameters, tables and items that exist from the start, beyond the template.

use std::{fmt, path::Path};

use serde_json::{Map, Value};

use super::ProjectError;

/// The seed of one run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Seed {
    /// SSM parameters.
    pub parameters: Vec<SeedParameter>,
    /// DynamoDB tables.
    pub tables: Vec<SeedTable>,
}

/// An SSM parameter. `Debug` output hides its value.
#[derive(Clone, PartialEq, Eq)]
pub struct SeedParameter {
    /// Its name.
    pub name: String,
    /// `String`, `StringList` or `SecureString`.
    pub kind: String,
    /// Its value.
    pub value: String,
    /// Whether the value replaces that of an existing parameter.
    pub replaces: bool,
}

impl fmt::Debug for SeedParameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SeedParameter")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .field("replaces", &self.replaces)
            .finish_non_exhaustive()
    }
}

/// A DynamoDB table and its first items.
#[derive(Debug, Clone, PartialEq)]
pub struct SeedTable {
    /// Its name.
    pub name: String,
    /// The key attribute, of type string, for a table that the template does not have.
    pub key: Option<String>,
    /// The items.
    pub items: Vec<Map<String, Value>>,
}

/// Reads items, one JSON object per line. Skips empty lines.
///
/// # Errors
///
/// The file cannot be read, or one of its lines is not a JSON object.
pub(super) fn items(file: &Path) -> Result<Vec<Map<String, Value>>, ProjectError> {
    let text = std::fs::read_to_string(file).map_err(|reason| ProjectError::Unreadable {
        path: file.to_owned(),
        reason,
    })?;
    let lines = text.lines().enumerate();
    lines
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(index, line)| {
            serde_json::from_str(line).map_err(|error| ProjectError::Invalid {
                path: file.to_owned(),
                line: index + 1,
                problem: format!("expected an item as a JSON object: {error}"),
            })
        })
        .collect()
}
