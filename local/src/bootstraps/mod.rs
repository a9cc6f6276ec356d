//! What each function runs: an executable, what cargo builds from its source, or an
//! interpreter with Lambda's runtime interface client.

mod error;
mod launch;
mod node;
mod python;
pub mod runtime;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use crate::cargo_build::{build, folder_of};
pub use error::BootstrapError;
pub use launch::Launch;
use runtime::Runtime;
use sam_template::environment::Function;

/// Where a function's bootstrap comes from.
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
    /// An interpreter runs it.
    Code(Code),
}

/// The code of an interpreted function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// The function's name.
    pub function: String,
    /// Its runtime.
    pub runtime: Runtime,
    /// Its `CodeUri`.
    pub folder: PathBuf,
    /// Its handler.
    pub handler: String,
}

impl Source {
    /// What the function runs. Cargo builds it first if the source needs it.
    ///
    /// # Errors
    ///
    /// An executable, an interpreter or its runtime interface client is missing, or cargo
    /// fails.
    pub async fn launch(&self, release: bool) -> Result<Launch, BootstrapError> {
        match self {
            Self::File(path) => Ok(executable(path)?.into()),
            Self::Cargo { folder, binary } => Ok(build(folder, binary, release).await?.into()),
            Self::Code(code) => match code.runtime {
                Runtime::Python { minor } => python::launch(code, minor).await,
                Runtime::Node { major } => node::launch(code, major).await,
                Runtime::Provided => Err(BootstrapError::NothingToBuild {
                    function: code.function.clone(),
                    folder: code.folder.clone(),
                }),
            },
        }
    }
}

/// Decides where the bootstrap of each function comes from: its entry in `named`, or the
/// entry under an empty name, which is for all; else its `Runtime`'s interpreter; else a
/// file `bootstrap` in its `CodeUri`; else what cargo builds there. `CodeUri` is relative
/// to the folder of `template`.
///
/// # Errors
///
/// A function has none of these.
pub fn sources(
    functions: &[Function],
    named: &BTreeMap<String, PathBuf>,
    template: &Path,
) -> Result<BTreeMap<String, Source>, BootstrapError> {
    let unknown = named.keys().find(|name| {
        let is_known = |function: &Function| function.name == **name;
        !name.is_empty() && !functions.iter().any(is_known)
    });
    if let Some(unknown) = unknown {
        let functions = functions.iter().map(|function| function.name.as_str());
        return Err(BootstrapError::NoFunction {
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

/// What each function of `sources` runs.
///
/// # Errors
///
/// As [`Source::launch`].
pub async fn launches(
    sources: &BTreeMap<String, Source>,
    release: bool,
) -> Result<BTreeMap<String, Launch>, BootstrapError> {
    let mut found = BTreeMap::new();
    for (function, source) in sources {
        found.insert(function.clone(), source.launch(release).await?);
    }
    Ok(found)
}

fn from_code_uri(function: &Function, template: &Path) -> Result<Source, BootstrapError> {
    let runtime = match &function.runtime {
        None => Runtime::Provided,
        Some(identifier) => {
            Runtime::named(identifier).ok_or_else(|| BootstrapError::Unsupported {
                function: function.name.clone(),
                runtime: identifier.clone(),
            })?
        }
    };
    let beside = folder_of(template);
    let folder = match &function.code_uri {
        Some(code_uri) => beside.join(code_uri),
        None => beside,
    };
    let folder = folder.canonicalize().unwrap_or(folder);
    if runtime != Runtime::Provided {
        let name = function.name.clone();
        if !folder.is_dir() {
            let function = name;
            return Err(BootstrapError::NoFolder { function, folder });
        }
        return Ok(Source::Code(Code {
            function: name,
            runtime,
            folder,
            handler: function.handler.clone(),
        }));
    }
    let ready = folder.join("bootstrap");
    if ready.is_file() {
        return Ok(Source::File(ready));
    }
    if !folder.join("Cargo.toml").is_file() {
        return Err(BootstrapError::NothingToBuild {
            function: function.name.clone(),
            folder,
        });
    }
    Ok(Source::Cargo {
        folder,
        binary: function.handler.clone(),
    })
}

/// The absolute path of an executable file. It is absolute because a function runs in
/// a folder of its own.
///
/// # Errors
///
/// The file does not exist or is not executable.
pub fn executable(path: &Path) -> Result<PathBuf, BootstrapError> {
    use std::os::unix::fs::PermissionsExt;
    let missing = |reason| BootstrapError::Missing {
        path: path.to_owned(),
        reason,
    };
    let absolute = path.canonicalize().map_err(missing)?;
    let metadata = absolute.metadata().map_err(missing)?;
    if !metadata.is_file() || metadata.permissions().mode() & 0o111 == 0 {
        return Err(BootstrapError::NotExecutable(path.to_owned()));
    }
    Ok(absolute)
}
