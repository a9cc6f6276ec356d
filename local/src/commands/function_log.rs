//! The functions' output while a command runs: in a file, shown if the command fails.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Context;
use lambda_host::log::{LogLine, LogSink};

use crate::{outcome::Failure, output::Output};

/// Most bytes that are shown after a failure: the last ones.
const MOST_SHOWN: u64 = 256 * 1024;

/// Whether a line is for CloudWatch and not for a person: the root member
/// `_aws` of the Embedded Metric Format.
pub(super) fn is_metrics(text: &str) -> bool {
    text.starts_with('{') && text.contains(r#""_aws":{"#)
}

/// Keeps the functions' output. Metrics are not shown.
pub(super) struct FunctionLog {
    file: Arc<Mutex<File>>,
    /// Shows each line at once, where that is asked for.
    output: Option<Output>,
}

impl FunctionLog {
    /// Writes to `file`, or to a file without a name, which nothing can leave behind.
    pub(super) fn open(file: Option<&Path>, show: bool) -> Result<Self, Failure> {
        let opened = match file {
            None => tempfile::tempfile().context("a temporary file for the functions' output"),
            Some(path) => File::options()
                .read(true)
                .write(true)
                .create(true)
                .truncate(true)
                .open(path)
                .with_context(|| format!("--log-file {}", path.display())),
        };
        Ok(Self {
            file: Arc::new(Mutex::new(opened.map_err(Failure::configuration)?)),
            output: show.then(Output::stderr),
        })
    }

    pub(super) fn sink(&self) -> LogSink {
        let (file, output) = (self.file.clone(), self.output.clone());
        Arc::new(move |line: LogLine| {
            let metrics = is_metrics(&line.text);
            let line = format!("{} | {}", line.function, line.text);
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            // A full disk costs lines, and not the run.
            let _ = writeln!(file, "{line}");
            if let Some(output) = output.as_ref().filter(|_| !metrics) {
                output.line(line);
            }
        })
    }

    /// Shows the end of the output on stderr, unless it was shown already.
    pub(super) fn show(&self) {
        if let Some(output) = &self.output {
            let _ = output.finish();
            return;
        }
        if let Ok((cut, end)) = self.end()
            && !end.is_empty()
        {
            let first = if cut {
                "the end of the functions' output; `--log-file FILE` keeps all of it:"
            } else {
                "the functions' output:"
            };
            // A closed stderr is no failure.
            let mut stderr = io::stderr().lock();
            let _ = writeln!(stderr, "{first}");
            for line in end.lines().filter(|line| !is_metrics(said(line))) {
                let _ = writeln!(stderr, "{line}");
            }
        }
    }

    /// The last lines, and whether there are others before them.
    fn end(&self) -> io::Result<(bool, String)> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let length = file.seek(SeekFrom::End(0))?;
        let from = length.saturating_sub(MOST_SHOWN);
        file.seek(SeekFrom::Start(from))?;
        let mut end = Vec::new();
        file.read_to_end(&mut end)?;
        // Not from the middle of a line.
        let line = end.iter().position(|byte| *byte == b'\n');
        let begin = line.filter(|_| from > 0).map_or(0, |line| line + 1);
        let end = String::from_utf8_lossy(&end[begin..]);
        Ok((from > 0, end.into_owned()))
    }
}

/// What the function said, in a line of the file.
fn said(line: &str) -> &str {
    line.split_once(" | ").map_or(line, |(_, text)| text)
}
