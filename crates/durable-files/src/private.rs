//! Folders and files that only their owner can read: they hold records, items and
//! parameters.

use std::{
    fs::{DirBuilder, OpenOptions, Permissions},
    io::Result,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::Path,
};

/// Creates a folder, and those above it, with mode 0700. A folder that is there
/// keeps its mode: it may be shared on purpose.
///
/// # Errors
///
/// It cannot be created.
pub fn folder(path: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Creates a file with mode 0600, empty, or gives one that is there this mode.
///
/// # Errors
///
/// It cannot be created, or belongs to somebody else.
pub fn file(path: &Path) -> Result<()> {
    let mut options = OpenOptions::new();
    let file = options.create(true).append(true).mode(0o600).open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(())
}
