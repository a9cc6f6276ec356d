//! Watches a function's source. When it changes, the watch rebuilds the executable,
//! and new execution environments run it. No record is lost: an invocation ends in
//! the execution environment where it began.

use std::{
    collections::BTreeMap,
    fmt::Display,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use lambda_host::Function;
use tempfile::TempDir;
use tokio::time::sleep;

use crate::cargo_build::Source;

/// The time between two looks at the files. A build waits until no file has changed
/// for as long: an editor writes several files, one after another.
const LOOK: Duration = Duration::from_millis(250);

/// A file's modification time and size; `None` for a missing file.
type Stamp = Option<(SystemTime, u64)>;

/// The outcome of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// New execution environments run the new build.
    Replaced {
        /// The function's name.
        function: String,
    },
    /// The new source does not build or start: the running build is kept.
    Kept {
        /// The function's name.
        function: String,
        /// The build's or the init's error.
        reason: String,
    },
}

impl Display for News {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Replaced { function } => write!(f, "{function}: the new build is running"),
            Self::Kept { function, reason } => {
                write!(
                    f,
                    "warning: {function}: keeping the running build: {reason}"
                )
            }
        }
    }
}

/// Watches one function's source.
pub struct Watch {
    function: Arc<Function>,
    source: Source,
    release: bool,
    /// The source files of the running build, as they were then.
    stamps: BTreeMap<PathBuf, Stamp>,
    /// Copies of what cargo built, one per build: cargo removes its own file while
    /// it builds, and an execution environment may start at that moment.
    built: TempDir,
    builds: u32,
}

impl Watch {
    /// Watches `source`; `function` runs its current build.
    ///
    /// # Errors
    ///
    /// The folder for later builds cannot be created.
    pub fn new(function: Arc<Function>, source: Source, release: bool) -> std::io::Result<Self> {
        let files = files(&source, &function.config().bootstrap);
        Ok(Self {
            stamps: stamps(files),
            function,
            source,
            release,
            built: TempDir::with_prefix("local-watch-")?,
            builds: 0,
        })
    }

    /// Watches until it is dropped, and passes each outcome to `tell`.
    pub async fn run(mut self, tell: impl Fn(News)) {
        loop {
            self.changed().await;
            let function = self.function.config().name.clone();
            tell(match self.replace().await {
                Ok(()) => News::Replaced { function },
                Err(reason) => News::Kept { function, reason },
            });
        }
    }

    /// Waits until files have changed, and then have not changed for one look.
    async fn changed(&mut self) {
        let mut last = self.stamps.clone();
        loop {
            sleep(LOOK).await;
            let now = stamps(last.keys().cloned());
            if now == last && now != self.stamps {
                self.stamps = now;
                return;
            }
            last = now;
        }
    }

    async fn replace(&mut self) -> Result<(), String> {
        let executable = self.source.executable(self.release).await;
        let executable = executable.map_err(|error| error.to_string())?;
        // A build may read other files than the one before.
        for (file, stamp) in stamps(files(&self.source, &executable)) {
            self.stamps.entry(file).or_insert(stamp);
        }
        let own = self.own(&executable).await;
        let own = own.map_err(|error| format!("{}: {error}", executable.display()))?;
        let replaced = self.function.replace(own).await;
        replaced.map_err(|error| format!("the new build does not start: {}", error.message()))
    }

    /// The executable at a path from which cargo does not remove it.
    async fn own(&mut self, executable: &Path) -> std::io::Result<PathBuf> {
        if let Source::File(_) = self.source {
            // A script may need the files in its folder.
            return Ok(executable.to_owned());
        }
        self.builds += 1;
        let folder = self.built.path().join(self.builds.to_string());
        tokio::fs::create_dir_all(&folder).await?;
        let own = folder.join("bootstrap");
        tokio::fs::copy(executable, &own).await?;
        Ok(own)
    }
}

/// The files that an executable is built from: those in cargo's dep-info, the
/// manifests and the lock file. For an existing file, the file itself.
fn files(source: &Source, executable: &Path) -> Vec<PathBuf> {
    let Source::Cargo { folder, .. } = source else {
        return vec![executable.to_owned()];
    };
    let dep_info = executable.with_extension("d");
    let dep_info = std::fs::read_to_string(dep_info).unwrap_or_default();
    let mut files = prerequisites(&dep_info);
    for above in folder.ancestors() {
        let found = ["Cargo.toml", "Cargo.lock"].map(|name| above.join(name));
        files.extend(found.into_iter().filter(|file| file.is_file()));
    }
    files
}

/// The files after the colon of `target: file file …`, where a backslash escapes a
/// space in a name (Cargo book, "Build cache", dep-info files).
fn prerequisites(dep_info: &str) -> Vec<PathBuf> {
    let Some((_, files)) = dep_info
        .lines()
        .next()
        .and_then(|line| line.split_once(": "))
    else {
        return Vec::new();
    };
    let spaces = files.replace("\\ ", "\0");
    let names = spaces.split_whitespace();
    names
        .map(|name| PathBuf::from(name.replace('\0', " ")))
        .collect()
}

fn stamps(files: impl IntoIterator<Item = PathBuf>) -> BTreeMap<PathBuf, Stamp> {
    let stamp = |file: &Path| {
        let metadata = file.metadata().ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    };
    files
        .into_iter()
        .map(|file| {
            let stamp = stamp(&file);
            (file, stamp)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::prerequisites;
    use std::path::PathBuf;

    #[test]
    fn source_files_are_read_from_cargo_s_dep_info() {
        let dep_info = "/t/debug/bootstrap: /p/src/main.rs /my\\ files/lib.rs\n";
        let expected = ["/p/src/main.rs", "/my files/lib.rs"].map(PathBuf::from);
        assert_eq!(prerequisites(dep_info), expected);
        assert!(prerequisites("").is_empty());
    }
}
