//! What an execution environment runs.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io,
    path::{Path, PathBuf},
};

/// What an execution environment runs: an executable, or an interpreter with its arguments.
/// Every path is a bootstrap without arguments.
///
/// ```
/// use lambda_host::Bootstrap;
///
/// let custom = Bootstrap::from("target/debug/bootstrap");
/// let python = Bootstrap {
///     arguments: ["-m", "awslambdaric", "app.handler"].map(Into::into).into(),
///     task_root: Some("functions/orders".into()),
///     ..Bootstrap::from("/usr/bin/python3")
/// };
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bootstrap {
    /// The executable, in any language.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// The function's code: the working folder and `LAMBDA_TASK_ROOT`. `None` is the program's
    /// own folder.
    pub task_root: Option<PathBuf>,
    /// Variables of the runtime, such as `PYTHONPATH`. The function's own variables win.
    pub variables: BTreeMap<String, String>,
}

impl Bootstrap {
    /// The program and the task root as absolute paths: the process starts in another folder.
    pub(super) fn absolute(&self) -> io::Result<(PathBuf, PathBuf)> {
        let program = std::path::absolute(&self.program)?;
        let folder = match &self.task_root {
            Some(folder) => std::path::absolute(folder)?,
            None => program.parent().unwrap_or(&program).to_owned(),
        };
        Ok((program, folder))
    }
}

impl From<PathBuf> for Bootstrap {
    fn from(program: PathBuf) -> Self {
        Self {
            program,
            arguments: Vec::new(),
            task_root: None,
            variables: BTreeMap::new(),
        }
    }
}

impl From<&Path> for Bootstrap {
    fn from(program: &Path) -> Self {
        program.to_owned().into()
    }
}

impl From<&str> for Bootstrap {
    fn from(program: &str) -> Self {
        PathBuf::from(program).into()
    }
}

impl From<String> for Bootstrap {
    fn from(program: String) -> Self {
        PathBuf::from(program).into()
    }
}
