//! What goes to standard output and standard error while the environment runs.
//!
//! A terminal that is held (Ctrl-S), a full pipe and a reader that has gone must not
//! stop the environment. So a thread of its own writes, from a queue with a bound:
//! what comes while the queue is full is dropped and counted, and a closed pipe ends
//! only the showing.

use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    time::{Duration, Instant},
};

use tracing_subscriber::fmt::MakeWriter;

/// Pieces of text that may wait to be written; with lines of 200 bytes, under a
/// megabyte.
const QUEUE: usize = 4096;

/// Bytes that are written at once, about.
const MOST_WRITTEN: usize = 16 * 1024;

/// How long [`Output::finish`] waits for what is queued.
const PATIENCE: Duration = Duration::from_secs(1);

/// Writes text without ever blocking the caller. Cloning is cheap and shares the
/// queue.
#[derive(Clone)]
pub struct Output {
    queue: SyncSender<Vec<u8>>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Pieces that found the queue full.
    dropped: AtomicU64,
    /// Pieces queued and not yet written.
    waiting: AtomicU64,
}

impl Output {
    /// Writes to standard output.
    #[must_use]
    pub fn stdout() -> Self {
        Self::to(io::stdout())
    }

    /// Writes to standard error.
    #[must_use]
    pub fn stderr() -> Self {
        Self::to(io::stderr())
    }

    /// Writes to `writer`, on a thread of its own.
    pub fn to(writer: impl Write + Send + 'static) -> Self {
        let (queue, pieces) = sync_channel(QUEUE);
        let shared = Arc::new(Shared::default());
        let counts = shared.clone();
        let spawned = std::thread::Builder::new()
            .name("output".to_owned())
            .spawn(move || write_all(writer, &pieces, &counts));
        // Without a thread the receiver is gone, and everything counts as dropped.
        drop(spawned);
        Self { queue, shared }
    }

    /// Queues a line. It is dropped and counted when the queue is full.
    pub fn line(&self, line: impl Into<String>) {
        let mut line: String = line.into();
        line.push('\n');
        self.text(line.into_bytes());
    }

    /// Queues each line of `text`.
    pub fn lines(&self, text: &str) {
        text.split_inclusive('\n')
            .for_each(|line| self.text(line.as_bytes().to_vec()));
    }

    /// Queues text as it is.
    pub fn text(&self, text: Vec<u8>) {
        self.shared.waiting.fetch_add(1, Relaxed);
        if self.queue.try_send(text).is_err() {
            self.shared.waiting.fetch_sub(1, Relaxed);
            self.shared.dropped.fetch_add(1, Relaxed);
        }
    }

    /// Waits until what is queued is written, a second at most, and says how many
    /// pieces were dropped.
    #[must_use]
    pub fn finish(&self) -> u64 {
        let deadline = Instant::now() + PATIENCE;
        while self.shared.waiting.load(Relaxed) > 0 && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
        self.shared.dropped.load(Relaxed)
    }
}

fn write_all(mut writer: impl Write, pieces: &Receiver<Vec<u8>>, shared: &Shared) {
    let mut open = true;
    while let Ok(mut text) = pieces.recv() {
        let mut taken = 1;
        // What has gathered meanwhile is one write.
        while text.len() < MOST_WRITTEN
            && let Ok(piece) = pieces.try_recv()
        {
            text.extend(piece);
            taken += 1;
        }
        // After a closed pipe the pieces are taken off the queue all the same.
        if open {
            open = writer
                .write_all(&text)
                .and_then(|()| writer.flush())
                .is_ok();
        }
        if !open {
            shared.dropped.fetch_add(taken, Relaxed);
        }
        shared.waiting.fetch_sub(taken, Relaxed);
    }
}

/// One event of `tracing`, queued whole when it is dropped.
pub struct Event {
    output: Output,
    text: Vec<u8>,
}

impl Write for Event {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        if !self.text.is_empty() {
            self.output.text(std::mem::take(&mut self.text));
        }
    }
}

impl<'a> MakeWriter<'a> for Output {
    type Writer = Event;

    fn make_writer(&'a self) -> Self::Writer {
        Event {
            output: self.clone(),
            text: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{self, Write},
        sync::{Arc, Mutex, mpsc},
    };

    use super::{MOST_WRITTEN, Output, QUEUE};

    /// Keeps what is written, once the gate is open.
    struct Gated {
        gate: mpsc::Receiver<()>,
        open: bool,
        written: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Gated {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if !self.open {
                self.gate.recv().map_err(io::Error::other)?;
                self.open = true;
            }
            self.written.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_holds_up_costs_lines_and_never_time() {
        let (open, gate) = mpsc::channel();
        let written = Arc::new(Mutex::new(Vec::new()));
        let output = Output::to(Gated {
            gate,
            open: false,
            written: written.clone(),
        });
        // The writer may hold some when the gate stops it.
        let lines = QUEUE + MOST_WRITTEN;
        // Nobody reads, and this returns.
        (0..lines).for_each(|number| output.line(number.to_string()));
        open.send(()).unwrap();
        let dropped = output.finish();
        let text = String::from_utf8(written.lock().unwrap().clone()).unwrap();
        assert!(text.starts_with("0\n1\n2\n"));
        assert!(dropped > 0);
        assert_eq!(text.lines().count() as u64 + dropped, lines as u64);
    }

    #[test]
    fn a_closed_pipe_ends_only_the_showing() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let output = Output::to(Closed);
        (0..3).for_each(|_| output.line("line"));
        assert_eq!(output.finish(), 3);
    }
}
