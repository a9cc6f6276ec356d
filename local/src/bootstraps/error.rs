//! Why a function has nothing to run.

use std::path::PathBuf;

use super::runtime::SUPPORTED;
use crate::cargo_build::BuildError;

/// Why a function has nothing to run.
#[derive(Debug, thiserror::Error)]
pub enum BootstrapError {
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
    /// The code of an interpreted function is not in a folder.
    #[error(
        "function {function}: CodeUri {} is not a folder\nhint: name the folder with the handler's file", folder.display()
    )]
    NoFolder {
        /// The function's name.
        function: String,
        /// Its `CodeUri`.
        folder: PathBuf,
    },
    /// The runtime does not run here.
    #[error(
        "function {function}: runtime {runtime} does not run here; supported: {SUPPORTED}\nhint: run any executable with `--bootstrap {function}=PATH`"
    )]
    Unsupported {
        /// The function's name.
        function: String,
        /// Its `Runtime`.
        runtime: String,
    },
    /// This machine lacks the runtime's interpreter.
    #[error(
        "function {function}: runtime {runtime} needs {tried}\nhint: install {install}, or run any executable with `--bootstrap {function}=PATH`"
    )]
    NoInterpreter {
        /// The function's name.
        function: String,
        /// Its `Runtime`.
        runtime: String,
        /// The programs that were tried, and where.
        tried: String,
        /// What to install.
        install: String,
    },
    /// Python has no runtime interface client.
    #[error(
        "function {function}: {} has no awslambdaric, Lambda's runtime interface client for Python\nhint: run `{install}`",
        python.display()
    )]
    NoClient {
        /// The function's name.
        function: String,
        /// The interpreter.
        python: PathBuf,
        /// The command that installs it.
        install: String,
    },
    /// Cargo cannot build the function.
    #[error(transparent)]
    Build(#[from] BuildError),
}
