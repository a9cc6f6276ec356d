//! Builds a function's executable with cargo when its `CodeUri` is a folder of
//! source.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
    process::Stdio,
};

use serde::Deserialize;
use tokio::process::Command;

use crate::template::environment::Function;

/// Why a function has no executable.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A named executable does not exist.
    #[error(
        "bootstrap {}: {reason}\nhint: name an executable with `--bootstrap PATH`", path.display()
    )]
    Missing {
        /// The file.
        path: PathBuf,
        /// The system's error.
        reason: std::io::Error,
    },
    /// A named executable cannot be executed.
    #[error(
        "bootstrap {} is not an executable file\nhint: run `chmod +x` on it, or name another file with `--bootstrap PATH`",
        .0.display()
    )]
    NotExecutable(PathBuf),
    /// An executable is named for a function that the template does not have.
    #[error("--bootstrap {name}=…: the template has no function {name}; it has {functions}")]
    NoFunction {
        /// The function that is named.
        name: String,
        /// Those of the template.
        functions: String,
    },
    /// The folder has no source that cargo can build.
    #[error(
        "function {function}: {} has neither a bootstrap nor a Cargo.toml\nhint: name its executable with `--bootstrap PATH`",
        folder.display()
    )]
    NothingToBuild {
        /// The function's name.
        function: String,
        /// Its `CodeUri`.
        folder: PathBuf,
    },
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

/// Where a function's executable comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// An existing file.
    File(PathBuf),
    /// Cargo builds it.
    Cargo {
        /// The package's or workspace's folder.
        folder: PathBuf,
        /// The binary's name.
        binary: String,
    },
}

impl Source {
    /// The executable, which cargo builds first if the source needs it.
    ///
    /// # Errors
    ///
    /// The file does not exist, is not executable, or cannot be built.
    pub async fn executable(&self, release: bool) -> Result<PathBuf, BuildError> {
        match self {
            Self::File(path) => executable(path),
            Self::Cargo { folder, binary } => build(folder, binary, release).await,
        }
    }
}

/// Decides where the executable of each function comes from: its entry in `named`,
/// or the entry under an empty name, which is for all; else a file `bootstrap` in
/// its `CodeUri`; else what cargo builds there. `CodeUri` is relative to the folder
/// of `template`.
///
/// # Errors
///
/// A function has none of these.
pub fn sources(
    functions: &[Function],
    named: &BTreeMap<String, PathBuf>,
    template: &Path,
) -> Result<BTreeMap<String, Source>, BuildError> {
    let unknown = named.keys().find(|name| {
        let is_known = |function: &Function| function.name == **name;
        !name.is_empty() && !functions.iter().any(is_known)
    });
    if let Some(unknown) = unknown {
        let functions = functions.iter().map(|function| function.name.as_str());
        return Err(BuildError::NoFunction {
            name: unknown.clone(),
            functions: functions.collect::<Vec<_>>().join(", "),
        });
    }
    let mut found = BTreeMap::new();
    for function in functions {
        let source = match named.get(&function.name).or_else(|| named.get("")) {
            Some(path) => Source::File(path.clone()),
            None => from_code_uri(function, template)?,
        };
        found.insert(function.name.clone(), source);
    }
    Ok(found)
}

/// The executable of each function in `sources`.
///
/// # Errors
///
/// An executable is missing or cannot be built.
pub async fn executables(
    sources: &BTreeMap<String, Source>,
    release: bool,
) -> Result<BTreeMap<String, PathBuf>, BuildError> {
    let mut found = BTreeMap::new();
    for (function, source) in sources {
        found.insert(function.clone(), source.executable(release).await?);
    }
    Ok(found)
}

fn from_code_uri(function: &Function, template: &Path) -> Result<Source, BuildError> {
    let beside = folder_of(template);
    let folder = match &function.code_uri {
        Some(code_uri) => beside.join(code_uri),
        None => beside,
    };
    let folder = folder.canonicalize().unwrap_or(folder);
    let ready = folder.join("bootstrap");
    if ready.is_file() {
        return Ok(Source::File(ready));
    }
    if !folder.join("Cargo.toml").is_file() {
        return Err(BuildError::NothingToBuild {
            function: function.name.clone(),
            folder,
        });
    }
    Ok(Source::Cargo {
        folder,
        binary: function.handler.clone(),
    })
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

/// The absolute path of an executable file. It is absolute because a function runs in
/// a folder of its own.
///
/// # Errors
///
/// The file does not exist or is not executable.
pub fn executable(path: &Path) -> Result<PathBuf, BuildError> {
    use std::os::unix::fs::PermissionsExt;
    let missing = |reason| BuildError::Missing {
        path: path.to_owned(),
        reason,
    };
    let absolute = path.canonicalize().map_err(missing)?;
    let metadata = absolute.metadata().map_err(missing)?;
    if !metadata.is_file() || metadata.permissions().mode() & 0o111 == 0 {
        return Err(BuildError::NotExecutable(path.to_owned()));
    }
    Ok(absolute)
}
