//! The file behind checkpoints: a line of JSON for each move, the last one of a
//! shard counts, and now and then it is written anew with just those.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::checkpoint::{ShardState, ShardStates};

/// Bytes of moves after which the file is written anew.
const REWRITE_AFTER: usize = 1024 * 1024;

#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    /// Bytes since the file was written anew.
    appended: usize,
    failed: bool,
}

impl Journal {
    /// Opens or makes the file and reads what it says.
    pub(super) fn open(path: &Path) -> io::Result<(Self, ShardStates)> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let states = match fs::read(path) {
            Ok(text) => read(&text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => ShardStates::new(),
            Err(error) => return Err(error),
        };
        let journal = Self {
            file: write_anew(path, &states)?,
            path: path.to_owned(),
            appended: 0,
            failed: false,
        };
        Ok((journal, states))
    }

    /// Writes where `shard` is now. A failure is said once: what is lost by it
    /// is delivered again after a restart.
    pub(super) fn write(&mut self, shard: &str, states: &ShardStates) {
        if let Err(error) = self.try_write(shard, states)
            && !self.failed
        {
            self.failed = true;
            let file = self.path.display();
            tracing::error!(%error, %file, "checkpoints cannot be written; after a restart records are delivered again");
        }
    }

    fn try_write(&mut self, shard: &str, states: &ShardStates) -> io::Result<()> {
        let Some(state) = states.get(shard) else {
            return Ok(());
        };
        let line = line(shard, state)?;
        self.file.write_all(&line)?;
        self.appended += line.len();
        if self.appended > REWRITE_AFTER {
            self.file = write_anew(&self.path, states)?;
            self.appended = 0;
        }
        Ok(())
    }
}

/// A line that cannot be read is the one that a crash cut off.
fn read(text: &[u8]) -> ShardStates {
    text.split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<ShardStates>(line).ok())
        .flatten()
        .collect()
}

/// Beside it first and then in its place: the file is whole at every moment.
fn write_anew(path: &Path, states: &ShardStates) -> io::Result<File> {
    let beside = path.with_extension("new");
    let mut text = Vec::new();
    for (shard, state) in states {
        text.extend(line(shard, state)?);
    }
    fs::write(&beside, text)?;
    fs::rename(&beside, path)?;
    File::options().append(true).open(path)
}

fn line(shard: &str, state: &ShardState) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(&std::collections::BTreeMap::from([(shard, state)]))?;
    line.push(b'\n');
    Ok(line)
}
