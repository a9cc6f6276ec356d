//! Watches a function's source. When it changes, the watch rebuilds the executable,
//! and new execution environments run it. An interpreted function has nothing to build.
//! No record is lost: an invocation ends in the execution environment where it began.

mod source_files;

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

use crate::bootstraps::{Launch, Source};

/// The time between two looks at the files. A build waits until no file has changed
/// for as long: an editor writes several files, one after another.
const LOOK: Duration = Duration::from_millis(250);

/// A file's modification time and size; `None` for a missing file.
type Stamp = Option<(SystemTime, u64)>;

/// The files of a build.
type Stamps = BTreeMap<PathBuf, Stamp>;

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
    stamps: Stamps,
    /// A folder in the source that the function does not come from.
    ignored: Option<PathBuf>,
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
        let stamps = match &source {
            Source::Code(code) => source_files::stamps(&code.folder, None),
            _ => stamps(files(&source, &function.config().bootstrap.program)),
        };
        Ok(Self {
            stamps,
            ignored: None,
            function,
            source,
            release,
            built: TempDir::with_prefix("local-watch-")?,
            builds: 0,
        })
    }

    /// Ignores what changes in this folder, such as the run's own state.
    #[must_use]
    pub fn ignoring(mut self, folder: Option<&Path>) -> Self {
        self.ignored = folder.and_then(|folder| folder.canonicalize().ok());
        self.stamps = self.look(&self.stamps);
        self
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
            let now = self.look(&last);
            if now == last && now != self.stamps {
                self.stamps = now;
                return;
            }
            last = now;
        }
    }

    /// The files as they are now. A folder of source may have others than before.
    fn look(&self, before: &Stamps) -> Stamps {
        match &self.source {
            Source::Code(code) => source_files::stamps(&code.folder, self.ignored.as_deref()),
            _ => stamps(before.keys().cloned()),
        }
    }

    async fn replace(&mut self) -> Result<(), String> {
        let bootstrap = match &self.source {
            // The interpreter reads the source again.
            Source::Code(_) => self.function.config().bootstrap.clone(),
            _ => self.build().await?.into(),
        };
        let replaced = self.function.replace(bootstrap).await;
        replaced.map_err(|error| format!("the new build does not start: {}", error.message()))
    }

    async fn build(&mut self) -> Result<PathBuf, String> {
        let launch = self.source.launch(self.release).await;
        let launch = launch.map_err(|error| error.to_string())?;
        let (Launch::Bootstrap(bootstrap) | Launch::Node(bootstrap)) = launch;
        let executable = bootstrap.program;
        // A build may read other files than the one before.
        for (file, stamp) in stamps(files(&self.source, &executable)) {
            self.stamps.entry(file).or_insert(stamp);
        }
        let own = self.own(&executable).await;
        own.map_err(|error| format!("{}: {error}", executable.display()))
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

fn stamps(files: impl IntoIterator<Item = PathBuf>) -> Stamps {
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
