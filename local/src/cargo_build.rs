//! Builds a function's executable through cargo, where the template names a
//! folder of source and no executable.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
    process::Stdio,
};

use serde::Deserialize;
use tokio::process::Command;

use crate::template::environment::Function;

/// Why there is no executable.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A named executable is not there.
    #[error(
        "bootstrap {}: {source}; name an executable with --bootstrap PATH", path.display()
    )]
    Missing {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A named executable cannot be executed.
    #[error("bootstrap {} is not an executable file; `chmod +x` it, or name another", .0.display())]
    NotExecutable(PathBuf),
    /// The folder has no source that cargo can build.
    #[error(
        "function {function}: {} has neither a bootstrap nor a Cargo.toml; name its executable with --bootstrap PATH",
        folder.display()
    )]
    NothingToBuild {
        /// The function's name.
        function: String,
        /// Its `CodeUri`.
        folder: PathBuf,
    },
    /// Cargo cannot be run.
    #[error("cargo cannot be run: {0}; install Rust, or name an executable with --bootstrap PATH")]
    NoCargo(std::io::Error),
    /// Cargo failed; it has said why on stderr.
    #[error("cargo build --bin {binary} failed in {}; its messages are above", folder.display())]
    Failed {
        /// The binary.
        binary: String,
        /// Where.
        folder: PathBuf,
    },
}

/// The executable of each of `functions`: the one that `named` has for it, or
/// for all under an empty name; a file called `bootstrap` in its `CodeUri`; or
/// what cargo builds there. `template` is the file that `CodeUri` is relative to.
///
/// # Errors
///
/// The first function without an executable.
pub async fn bootstraps(
    functions: &[Function],
    named: &BTreeMap<String, PathBuf>,
    template: &Path,
    release: bool,
) -> Result<BTreeMap<String, PathBuf>, BuildError> {
    let mut found = BTreeMap::new();
    for function in functions {
        let executable = match named.get(&function.name).or_else(|| named.get("")) {
            Some(path) => executable(path)?,
            None => from_code_uri(function, template, release).await?,
        };
        found.insert(function.name.clone(), executable);
    }
    Ok(found)
}

async fn from_code_uri(
    function: &Function,
    template: &Path,
    release: bool,
) -> Result<PathBuf, BuildError> {
    let beside = template.parent().unwrap_or(Path::new(""));
    let folder = match &function.code_uri {
        Some(code_uri) => beside.join(code_uri),
        None => beside.to_owned(),
    };
    let folder = folder.canonicalize().unwrap_or(folder);
    let ready = folder.join("bootstrap");
    if ready.is_file() {
        return executable(&ready);
    }
    if !folder.join("Cargo.toml").is_file() {
        return Err(BuildError::NothingToBuild {
            function: function.name.clone(),
            folder,
        });
    }
    build(&folder, &function.handler, release).await
}

/// Builds one binary of the package or workspace in `folder`. What cargo says
/// goes to stderr.
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
        .stderr(Stdio::inherit())
        .kill_on_drop(true);
    let output = command.output().await.map_err(BuildError::NoCargo)?;
    let built = String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Artifact>(line).ok())
        .find(|artifact| artifact.target.name == binary)
        .and_then(|artifact| artifact.executable);
    match built {
        Some(executable) if output.status.success() => Ok(executable),
        _ => Err(BuildError::Failed {
            binary: binary.to_owned(),
            folder: folder.to_owned(),
        }),
    }
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

/// The absolute path of an executable file: a function runs in a folder of its own.
///
/// # Errors
///
/// It is not there, or not executable.
pub fn executable(path: &Path) -> Result<PathBuf, BuildError> {
    use std::os::unix::fs::PermissionsExt;
    let missing = |source| BuildError::Missing {
        path: path.to_owned(),
        source,
    };
    let absolute = path.canonicalize().map_err(missing)?;
    let metadata = absolute.metadata().map_err(missing)?;
    if !metadata.is_file() || metadata.permissions().mode() & 0o111 == 0 {
        return Err(BuildError::NotExecutable(path.to_owned()));
    }
    Ok(absolute)
}
