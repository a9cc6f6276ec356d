//! Follows a function's source: builds it anew when it changes, and has new
//! execution environments run the result. A record is never lost by it: what is
//! under way ends in the environment that it began in.

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

/// Between two looks at the files, and how long they must have rested before
/// they are built: an editor writes several of them, one after another.
const LOOK: Duration = Duration::from_millis(250);

/// A file's time and size; none where it is not there.
type Stamp = Option<(SystemTime, u64)>;

/// What becomes of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// New environments run the new executable.
    Replaced {
        /// The function's name.
        function: String,
    },
    /// It cannot be built, or does not start: the old one goes on.
    Kept {
        /// The function's name.
        function: String,
        /// Why.
        reason: String,
    },
}

impl Display for News {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Replaced { function } => write!(f, "{function}: the new one is running"),
            Self::Kept { function, reason } => {
                write!(f, "{function}: the old one goes on, for {reason}")
            }
        }
    }
}

/// Follows one function's source.
pub struct Watch {
    function: Arc<Function>,
    source: Source,
    release: bool,
    /// What is running was made from files like these.
    stamps: BTreeMap<PathBuf, Stamp>,
    /// Executables that cargo built, each under a name of its own: cargo takes
    /// its own file away while it builds, and an environment may start then.
    built: TempDir,
    builds: u32,
}

impl Watch {
    /// Follows `source`, from which `function` has been made just now.
    ///
    /// # Errors
    ///
    /// There is no room for the executables to come.
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

    /// Goes on until it is dropped, and tells what it does.
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

    /// Waits until files have changed, and then have rested.
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
        // A build may have read other files than the one before.
        for (file, stamp) in stamps(files(&self.source, &executable)) {
            self.stamps.entry(file).or_insert(stamp);
        }
        let own = self.own(&executable).await;
        let own = own.map_err(|error| format!("{}: {error}", executable.display()))?;
        let replaced = self.function.replace(own).await;
        replaced.map_err(|error| format!("the new one does not start: {}", error.message()))
    }

    /// The executable where nobody takes it away.
    async fn own(&mut self, executable: &Path) -> std::io::Result<PathBuf> {
        if let Source::File(_) = self.source {
            // A script may need what stands beside it.
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

/// The files that an executable is made of: what cargo's dep-info beside it lists,
/// its manifest and lock file, or just itself.
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

/// The files behind the colon of `target: file file …`, where a space in a name
/// has a backslash before it (Cargo book, "Build cache", dep-info files).
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
    fn cargo_s_dep_info_names_the_source_files() {
        let dep_info = "/t/debug/bootstrap: /p/src/main.rs /my\\ files/lib.rs\n";
        let expected = ["/p/src/main.rs", "/my files/lib.rs"].map(PathBuf::from);
        assert_eq!(prerequisites(dep_info), expected);
        assert!(prerequisites("").is_empty());
    }
}
