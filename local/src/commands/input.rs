//! A file that a command reads, or standard input.

use std::{
    fs,
    io::{self, Read},
    path::Path,
};

use anyhow::Context;

use crate::outcome::Failure;

/// The content of `file`; `-` is standard input.
///
/// # Errors
///
/// It cannot be read.
pub(super) fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let content = if file == Path::new("-") {
        let mut content = Vec::new();
        let read = io::stdin().lock().read_to_end(&mut content);
        read.map(|_| content)
    } else {
        fs::read(file)
    };
    content
        .with_context(|| file.display().to_string())
        .map_err(Failure::configuration)
}
