//! The file behind checkpoints: a line of JSON for each move, the last one of a
//! shard counts, and now and then it is written anew with just those.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::checkpoint::{Place, Places};

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
    pub(super) fn open(path: &Path) -> io::Result<(Self, Places)> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let places = match fs::read(path) {
            Ok(text) => read(&text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Places::new(),
            Err(error) => return Err(error),
        };
        let journal = Self {
            file: write_anew(path, &places)?,
            path: path.to_owned(),
            appended: 0,
            failed: false,
        };
        Ok((journal, places))
    }

    /// Writes where `shard` is now. A failure is said once: what is lost by it
    /// is delivered again after a restart.
    pub(super) fn write(&mut self, shard: &str, places: &Places) {
        if let Err(error) = self.try_write(shard, places)
            && !self.failed
        {
            self.failed = true;
            let file = self.path.display();
            tracing::error!(%error, %file, "checkpoints cannot be written; after a restart records are delivered again");
        }
    }

    fn try_write(&mut self, shard: &str, places: &Places) -> io::Result<()> {
        let Some(place) = places.get(shard) else {
            return Ok(());
        };
        let line = line(shard, place)?;
        self.file.write_all(&line)?;
        self.appended += line.len();
        if self.appended > REWRITE_AFTER {
            self.file = write_anew(&self.path, places)?;
            self.appended = 0;
        }
        Ok(())
    }
}

/// A line that cannot be read is the one that a crash cut off.
fn read(text: &[u8]) -> Places {
    text.split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<Places>(line).ok())
        .flatten()
        .collect()
}

/// Beside it first and then in its place: at no time is there half a file.
fn write_anew(path: &Path, places: &Places) -> io::Result<File> {
    let beside = path.with_extension("new");
    let mut text = Vec::new();
    for (shard, place) in places {
        text.extend(line(shard, place)?);
    }
    fs::write(&beside, text)?;
    fs::rename(&beside, path)?;
    File::options().append(true).open(path)
}

fn line(shard: &str, place: &Place) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(&std::collections::BTreeMap::from([(shard, place)]))?;
    line.push(b'\n');
    Ok(line)
}
