//! The checkpoint file: each move appends a line of JSON, and a shard's last line
//! counts. From time to time the file is rewritten with only the last lines.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::shard_state::{ShardState, ShardStates};

/// Bytes of moves after which the file is rewritten.
const REWRITE_AFTER: usize = 1024 * 1024;

#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    /// Bytes since the file was rewritten.
    appended: usize,
    failed: bool,
}

impl Journal {
    /// Opens or creates the file and reads it.
    pub(super) fn open(path: &Path) -> io::Result<(Self, ShardStates)> {
        let states = match fs::read(path) {
            Ok(text) => read(&text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => ShardStates::new(),
            Err(error) => return Err(error),
        };
        let journal = Self {
            file: rewrite(path, &states)?,
            path: path.to_owned(),
            appended: 0,
            failed: false,
        };
        Ok((journal, states))
    }

    /// Writes the state of `shard`. A failure is logged once: after a restart the
    /// mapping delivers those records again.
    pub(super) fn write(&mut self, shard: &str, states: &ShardStates) {
        if let Err(error) = self.try_write(shard, states)
            && !self.failed
        {
            self.failed = true;
            let file = self.path.display();
            tracing::error!(%error, %file, "checkpoints cannot be written; a restart delivers records again");
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
            self.file = rewrite(&self.path, states)?;
            self.appended = 0;
        }
        Ok(())
    }
}

/// Skips what is not a line: a crash may have cut the last one off.
fn read(text: &[u8]) -> ShardStates {
    text.split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<ShardStates>(line).ok())
        .flatten()
        .collect()
}

/// Writes a new file first and renames it: the file is whole at every moment.
fn rewrite(path: &Path, states: &ShardStates) -> io::Result<File> {
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
