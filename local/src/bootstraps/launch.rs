//! How a function's process is started.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Stdio,
};

use lambda_host::Bootstrap;
use tokio::process::Command;

use super::node;

/// How a function's process is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Launch {
    /// As it is.
    Bootstrap(Bootstrap),
    /// Node.js with the runtime interface client of this tool, whose file is written where
    /// the run keeps its files.
    Node(Bootstrap),
}

impl Launch {
    /// The bootstrap. The file that it needs is written into `folder`.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn prepare(&self, folder: &Path) -> io::Result<Bootstrap> {
        match self {
            Self::Bootstrap(bootstrap) => Ok(bootstrap.clone()),
            Self::Node(node) => {
                let client = std::path::absolute(folder)?.join(node::CLIENT_FILE);
                fs::write(&client, node::CLIENT)?;
                let mut node = node.clone();
                node.arguments.insert(0, client.into());
                Ok(node)
            }
        }
    }
}

impl From<PathBuf> for Launch {
    fn from(executable: PathBuf) -> Self {
        Self::Bootstrap(executable.into())
    }
}

/// What a program writes to stdout, line by line; `None` if it cannot be run or fails.
pub(super) async fn lines(command: &mut Command) -> Option<Vec<String>> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let lines = text.lines().map(str::to_owned).collect();
    output.status.success().then_some(lines)
}

/// Those of these folders that exist, joined as in `PATH`; `None` if none does.
pub(super) fn search_path(folders: impl IntoIterator<Item = PathBuf>) -> Option<String> {
    let folders = folders.into_iter().filter(|folder| folder.is_dir());
    let folders: Vec<_> = folders.map(|folder| folder.display().to_string()).collect();
    (!folders.is_empty()).then(|| folders.join(":"))
}

/// Says that another version than the template's runs the function.
pub(super) fn tell_other_version(function: &str, runtime: super::Runtime, runs: &str) {
    eprintln!("warning: function {function}: runtime {runtime} runs with {runs}");
}
