//! Reads records from files: JSON lines, or a folder.

use std::{
    fs,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
    time::Duration,
};

use rand_chacha::ChaCha8Rng;
use serde::de::IgnoredAny;
use time::OffsetDateTime;

use crate::{
    record::Record,
    recorded::Recorded,
    shape::{Shape, random_key},
};

/// Endings of files with a record in each line.
const LINES: [&str; 2] = ["jsonl", "ndjson"];

/// Why records cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// A file cannot be read.
    #[error("{file}: {reason}")]
    Unreadable {
        /// The file.
        file: String,
        /// The system's error.
        reason: io::Error,
    },
    /// A line has no record.
    #[error("{file}:{line}: {problem}")]
    Invalid {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What the line has, and what is expected.
        problem: String,
    },
    /// There is not one record.
    #[error("{file} has no records")]
    Empty {
        /// The file or folder.
        file: String,
    },
}

/// Where records stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Files {
    /// Standard input, a record in each line.
    Stdin,
    /// A file with a record in each line; or a folder, whose files are taken in the order
    /// of their names: those called `.jsonl` and `.ndjson` have a record in each line, and
    /// every other file is a record.
    Path(PathBuf),
}

impl Files {
    /// The name in messages.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Stdin => "stdin".to_owned(),
            Self::Path(path) => path.display().to_string(),
        }
    }

    /// Hands each record to `take`, until it returns false or there are no more.
    pub(crate) fn read(&self, reading: &mut Reading<'_>) -> Result<(), FeedError> {
        match self {
            Self::Stdin => lines("stdin", io::stdin().lock(), reading).map(|_| ()),
            Self::Path(path) if path.is_dir() => {
                for file in files_in(path)? {
                    if !read_file(&file, is_lines(&file), reading)? {
                        break;
                    }
                }
                Ok(())
            }
            Self::Path(path) => read_file(path, true, reading).map(|_| ()),
        }
    }
}

/// What is done with each record that is read.
pub(crate) struct Reading<'r> {
    pub(crate) shape: &'r Shape,
    pub(crate) random: &'r mut ChaCha8Rng,
    /// Whether each record needs the time of its arrival.
    pub(crate) as_recorded: bool,
    /// The arrival of the first record.
    pub(crate) first: Option<OffsetDateTime>,
    /// Takes a record. Returns whether it takes more.
    pub(crate) take: &'r mut dyn FnMut(Record) -> bool,
}

impl Reading<'_> {
    /// The record of a line or a file.
    fn record(&mut self, text: &[u8]) -> Result<Record, String> {
        let recorded = Recorded::of_line(text);
        let arrived = recorded
            .as_ref()
            .and_then(|one| one.approximate_arrival_timestamp);
        if self.as_recorded && arrived.is_none() {
            return Err(
                "expected a record with approximateArrivalTimestamp, as `capture` writes it"
                    .to_owned(),
            );
        }
        let (own_key, mut data) = match recorded {
            Some(recorded) => {
                let data = recorded.data().unwrap_or_default();
                (Some(recorded.partition_key), data)
            }
            None => (None, text.to_vec()),
        };
        let partition_key = match &self.shape.partition_key {
            Some(pointer) => Shape::key_in(pointer, &data)
                .ok_or_else(|| format!("no string or number at {pointer}, the partition key"))?,
            None => own_key.unwrap_or_else(|| random_key(self.random)),
        };
        self.shape.apply(&mut data, self.random);
        let after = arrived.map(|arrived| {
            let first = *self.first.get_or_insert(arrived);
            Duration::try_from(arrived - first).unwrap_or_default()
        });
        Ok(Record {
            partition_key,
            data,
            after,
        })
    }
}

/// The files of a folder, in the order of their names; hidden ones are skipped.
fn files_in(folder: &Path) -> Result<Vec<PathBuf>, FeedError> {
    let listed = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let listed = listed.map_err(|reason| unreadable(folder, reason))?;
    let files = listed.iter().map(fs::DirEntry::path);
    let hidden = |file: &Path| {
        let name = file.file_name().unwrap_or_default();
        name.to_string_lossy().starts_with('.')
    };
    let mut files: Vec<_> = files
        .filter(|file| file.is_file() && !hidden(file))
        .collect();
    files.sort_unstable();
    Ok(files)
}

fn is_lines(file: &Path) -> bool {
    let extension = file.extension().unwrap_or_default();
    LINES
        .iter()
        .any(|lines| extension.eq_ignore_ascii_case(lines))
}

/// Reads a file. Returns whether more records are taken.
fn read_file(file: &Path, is_lines: bool, reading: &mut Reading<'_>) -> Result<bool, FeedError> {
    let opened = fs::File::open(file).map_err(|reason| unreadable(file, reason))?;
    let name = file.display().to_string();
    if is_lines {
        return lines(&name, BufReader::new(opened), reading);
    }
    let mut text = Vec::new();
    let mut opened = BufReader::new(opened);
    opened
        .read_to_end(&mut text)
        .map_err(|reason| unreadable(file, reason))?;
    // An editor ends a file with a newline, which is none of the record's.
    let record = reading.record(text.trim_ascii_end());
    let record = record.map_err(|problem| FeedError::Invalid {
        file: name,
        line: 1,
        problem,
    })?;
    Ok((reading.take)(record))
}

fn lines(name: &str, mut text: impl BufRead, reading: &mut Reading<'_>) -> Result<bool, FeedError> {
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let read = text.read_until(b'\n', &mut line);
        let read = read.map_err(|reason| FeedError::Unreadable {
            file: name.to_owned(),
            reason,
        })?;
        if read == 0 {
            break;
        }
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        let invalid = |problem| FeedError::Invalid {
            file: name.to_owned(),
            line: number,
            problem,
        };
        serde_json::from_slice::<IgnoredAny>(line)
            .map_err(|error| invalid(format!("expected a JSON document: {error}")))?;
        let record = reading.record(line).map_err(invalid)?;
        if !(reading.take)(record) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn unreadable(file: &Path, reason: io::Error) -> FeedError {
    FeedError::Unreadable {
        file: file.display().to_string(),
        reason,
    }
}
