//! The file that keeps the parameters: its owner alone reads it.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use aws_wire::error::AwsError;
use durable_files::private;
use tempfile::NamedTempFile;

use super::store::ByName;

/// Why the store could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("the SSM parameters in {} cannot be read: {reason}", path.display())]
pub struct OpenError {
    path: PathBuf,
    reason: String,
}

/// Reads the parameters; a file that is not there holds none.
pub(super) fn read(file: &Path) -> Result<ByName, OpenError> {
    let failed = |reason: String| OpenError {
        path: file.to_owned(),
        reason,
    };
    if !file.exists() {
        return Ok(ByName::new());
    }
    // A copy, or an earlier version of this program, may have left it open to others.
    private::file(file).map_err(|error| failed(error.to_string()))?;
    let text = std::fs::read(file).map_err(|error| failed(error.to_string()))?;
    serde_json::from_slice(&text).map_err(|error| failed(error.to_string()))
}

/// Replaces the file as a whole, so that a crash leaves the old or the new one.
pub(super) fn write(file: &Path, by_name: &ByName) -> Result<(), AwsError> {
    replace(file, by_name).map_err(|error| {
        AwsError::internal(format!("{} cannot be written: {error}", file.display()))
    })
}

fn replace(file: &Path, by_name: &ByName) -> std::io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    // Created with mode 0600, which stays when it is renamed.
    let mut next = NamedTempFile::new_in(folder)?;
    next.write_all(&serde_json::to_vec(by_name)?)?;
    next.as_file().sync_all()?;
    next.persist(file)?;
    // The rename is on the disk when its folder is.
    std::fs::File::open(folder)?.sync_all()
}
