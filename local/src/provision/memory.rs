//! What the template said of each resource at the last start with a data folder. As in
//! CloudFormation, a resource is updated when the template changed, and a change that was
//! made by hand stays.

use std::{collections::BTreeMap, io, path::Path};

use durable_files::private;
use sam_template::Environment;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The file's name in the data folder.
const FILE: &str = "template.json";

/// The template's values, by resource.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory(BTreeMap<String, Value>);

impl Memory {
    /// The values of `environment`.
    #[must_use]
    pub fn of(environment: &Environment) -> Self {
        let mut values = BTreeMap::new();
        for stream in &environment.streams {
            let value = json!([stream.shards, stream.retention_hours]);
            values.insert(format!("stream {}", stream.name), value);
        }
        for table in &environment.tables {
            let value = json!([table.definition, table.ttl_attribute]);
            values.insert(format!("table {}", table.name), value);
        }
        for queue in &environment.queues {
            let value = json!(queue.attributes);
            values.insert(format!("queue {}", queue.name), value);
        }
        for parameter in &environment.parameters {
            let value = json!([parameter.kind, parameter.value]);
            values.insert(format!("parameter {}", parameter.name), value);
        }
        Self(values)
    }

    /// The values of the last start with `folder`; none at the first one, or when the file
    /// is of another version.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn read(folder: &Path) -> io::Result<Self> {
        match std::fs::read(folder.join(FILE)) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    /// Keeps the values in `folder`.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        let path = folder.join(FILE);
        private::file(&path)?;
        std::fs::write(path, serde_json::to_vec(self).map_err(io::Error::other)?)
    }

    /// Whether the template says something else of `what` than `before`.
    pub(super) fn differs(&self, before: &Self, what: &str) -> bool {
        match (self.0.get(what), before.0.get(what)) {
            (Some(now), Some(before)) => now != before,
            // Its values are not known: it stays as it is.
            _ => false,
        }
    }
}
