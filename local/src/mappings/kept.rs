//! The mappings that the API made, in the data folder.

use std::{
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use durable_files::private;
use serde_json::Value;

/// The file's name in the data folder.
const FILE: &str = "mappings.json";

/// The file: a list of mappings in the form of [`super::document`].
#[derive(Debug)]
pub(super) struct Kept(PathBuf);

impl Kept {
    /// The file of the data folder `folder`.
    pub(super) fn in_folder(folder: &Path) -> Self {
        Self(folder.join(FILE))
    }

    /// The mappings; none without a file, or where it is of another version.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub(super) fn read(&self) -> io::Result<Vec<Value>> {
        match std::fs::read(&self.0) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Replaces the mappings. The file is whole at every moment.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub(super) fn write(&self, mappings: &[Value]) -> io::Result<()> {
        let beside = self.0.with_extension("new");
        private::file(&beside)?;
        let text = serde_json::to_vec_pretty(mappings).map_err(io::Error::other)?;
        std::fs::write(&beside, text)?;
        std::fs::rename(&beside, &self.0)
    }
}
