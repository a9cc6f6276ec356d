//! Builds an executable with cargo.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Stdio,
};

use serde::Deserialize;
use tokio::process::Command;

/// Why cargo does not build an executable.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Cargo cannot be run.
    #[error(
        "cannot run cargo: {0}\nhint: install Rust, or name an executable with `--bootstrap PATH`"
    )]
    NoCargo(std::io::Error),
    /// Cargo failed; its messages are on stderr.
    #[error("cargo build --bin {binary} failed in {}; its messages are above", folder.display())]
    Failed {
        /// The binary.
        binary: String,
        /// The folder of the package or workspace.
        folder: PathBuf,
    },
}

/// The template's folder, to which its `CodeUri`s are relative.
#[must_use]
pub fn folder_of(template: &Path) -> PathBuf {
    // A file in the working folder has an empty parent.
    let parent = template.parent().filter(|parent| *parent != Path::new(""));
    let parent = parent.unwrap_or(Path::new("."));
    parent.canonicalize().unwrap_or_else(|_| parent.to_owned())
}

/// Builds one binary of the package or workspace in `folder`. Cargo's messages go to
/// stderr.
///
/// # Errors
///
/// Cargo cannot be run, or fails.
pub async fn build(folder: &Path, binary: &str, release: bool) -> Result<PathBuf, BuildError> {
    eprintln!("building {binary} in {} …", folder.display());
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(cargo);
    command
        .args(["build", "--bin", binary])
        .arg("--message-format=json-render-diagnostics")
        .args(release.then_some("--release"))
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true);
    // Build scripts watch these variables. With the values of this run they would
    // all run again, now and at the next plain `cargo build`.
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(is_of_this_run) {
            command.env_remove(name);
        }
    }
    // Not `output`, which would capture cargo's stderr.
    let cargo = command.spawn().map_err(BuildError::NoCargo)?;
    let output = cargo
        .wait_with_output()
        .await
        .map_err(BuildError::NoCargo)?;
    let built = String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Artifact>(line).ok())
        // A library of the same name has no executable.
        .filter(|artifact| artifact.target.name == binary)
        .find_map(|artifact| artifact.executable);
    match built {
        Some(executable) if output.status.success() => Ok(executable),
        _ => Err(BuildError::Failed {
            binary: binary.to_owned(),
            folder: folder.to_owned(),
        }),
    }
}

/// Whether cargo sets a variable for the program that it runs (Cargo book,
/// "Environment variables Cargo sets for crates").
fn is_of_this_run(variable: &str) -> bool {
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"]
        .iter()
        .any(|prefix| variable.starts_with(prefix))
        || ["CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE"].contains(&variable)
}

/// Cargo's `compiler-artifact` message (Cargo book, "External tools").
#[derive(Deserialize)]
struct Artifact {
    target: Target,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}
