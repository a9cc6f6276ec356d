//! What comes through a pipe, line by line: as it comes, or at once when asked.
//!
//! A runtime that answers has written all of its lines before, so they are in the pipe. Reading
//! the pipe then puts them before the line that ends the invocation, which waiting for the
//! event loop would not.

use std::{
    fs::File,
    io::{self, ErrorKind, Read},
    os::fd::OwnedFd,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::net::unix::pipe::Receiver;

/// Longest line kept whole, bytes; a longer one is shown in pieces.
const MAX_LINE: usize = 256 * 1024;

/// Bytes of one read. A pipe holds 64 KiB, unless someone has changed that.
const READ: usize = 64 * 1024;

/// Most reads at once of a pipe that does not get empty.
const MAX_READS: usize = 4;

/// Gets each line, without its end.
pub(super) type LineSink = Box<dyn FnMut(&str) + Send>;

/// The end of a pipe from which lines are read.
#[derive(Clone)]
pub(super) struct Pipe(Arc<Inner>);

struct Inner {
    /// The pipe in the event loop, and once more outside it: only there is a read tried
    /// although the loop has not heard of any bytes. Both are non-blocking, which is a property
    /// of the pipe.
    watched: Receiver,
    file: File,
    lines: Mutex<Lines>,
}

/// Where the lines of a pipe go.
pub(super) struct Lines {
    /// A line whose end has not come.
    begun: Vec<u8>,
    read: Box<[u8]>,
    sink: LineSink,
}

/// What a read has found.
enum Found {
    Bytes,
    Nothing,
    End,
}

impl Pipe {
    /// Reads from `pipe`.
    ///
    /// # Errors
    ///
    /// It is no pipe, or the event loop cannot watch it.
    pub(super) fn new(pipe: OwnedFd, sink: LineSink) -> io::Result<Self> {
        let file = File::from(pipe.try_clone()?);
        Ok(Self(Arc::new(Inner {
            watched: Receiver::from_owned_fd(pipe)?,
            file,
            lines: Mutex::new(Lines {
                begun: Vec::new(),
                read: vec![0; READ].into_boxed_slice(),
                sink,
            }),
        })))
    }

    /// Passes on each line as it comes, until the pipe is closed.
    pub(super) async fn run(self) {
        let pipe = &self.0;
        while pipe.watched.readable().await.is_ok() {
            let found = self.lines().read(|bytes| pipe.watched.try_read(bytes));
            if matches!(found, Found::End) {
                return;
            }
        }
    }

    /// Passes on all lines that have been written. No further one is, until what this returns
    /// is dropped.
    pub(super) fn drain(&self) -> MutexGuard<'_, Lines> {
        let mut lines = self.lines();
        for _ in 0..MAX_READS {
            let found = lines.read(|bytes| (&self.0.file).read(bytes));
            if !matches!(found, Found::Bytes) {
                break;
            }
        }
        lines
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.0.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lines {
    fn read(&mut self, read: impl FnOnce(&mut [u8]) -> io::Result<usize>) -> Found {
        let bytes = match read(&mut self.read) {
            Ok(0) => {
                self.end_line();
                return Found::End;
            }
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::Interrupted => return Found::Bytes,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Found::Nothing,
            Err(_) => return Found::End,
        };
        let mut rest = 0;
        while let Some(end) = self.read[rest..bytes]
            .iter()
            .position(|byte| *byte == b'\n')
        {
            let end = rest + end;
            if self.begun.is_empty() {
                line(&self.read[rest..end], &mut self.sink);
            } else {
                self.begun.extend_from_slice(&self.read[rest..end]);
                line(&self.begun, &mut self.sink);
                self.begun.clear();
            }
            rest = end + 1;
        }
        self.begun.extend_from_slice(&self.read[rest..bytes]);
        if self.begun.len() >= MAX_LINE {
            self.end_line();
        }
        Found::Bytes
    }

    fn end_line(&mut self) {
        if !self.begun.is_empty() {
            line(&self.begun, &mut self.sink);
            self.begun = Vec::new();
        }
    }
}

fn line(bytes: &[u8], sink: &mut LineSink) {
    sink(String::from_utf8_lossy(bytes).trim_end());
}
