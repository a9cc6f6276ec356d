//! What a function writes to stdout and stderr, line by line.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use time::OffsetDateTime;
use tokio::time::{Instant, sleep};

use super::platform_log::{Report, end_line, start_line};

/// Most bytes of an invocation's log in `X-Amz-Log-Result` (API reference, `Invoke`).
pub(super) const TAIL: usize = 4096;

/// One line of a function's output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Name of the function.
    pub function: Arc<str>,
    /// Number of the execution environment, from 1.
    pub environment: u64,
    /// When it was read.
    pub at: OffsetDateTime,
    /// The line, without its end. Bytes that are not UTF-8 are replaced.
    pub text: String,
}

/// Where lines go. It is called on a thread of its own, so it may block: lines that it is too
/// slow for are dropped and counted in a line of their own. After a panic it is not called
/// again.
pub type LogSink = Arc<dyn Fn(LogLine) + Send + Sync>;

/// Whether a line begins a panic of Rust: `thread 'main' panicked at src/main.rs:1:1:`. The
/// message follows in a line of its own.
#[must_use]
pub fn is_panic(line: &str) -> bool {
    line.strip_prefix("thread '")
        .is_some_and(|rest| rest.contains("' panicked at ") || rest.contains(") panicked at "))
}

/// Most bytes that wait for a slow sink.
const MAX_QUEUED: usize = 4 * 1024 * 1024;

/// What a waiting line takes beside its text, bytes, about.
const LINE_OVERHEAD: usize = 64;

/// How long the thread lets lines gather before it looks again: a wake-up for each line
/// would cost more than the line.
const NAP: Duration = Duration::from_millis(5);

/// How long [`LogWriter::flush`] waits for a sink.
const FLUSH: Duration = Duration::from_millis(500);

/// Writes lines to a sink without ever waiting for it.
#[derive(Clone)]
pub(super) struct LogWriter(Arc<Handle>);

/// Ends the thread when the last writer is gone.
struct Handle(Arc<Queue>);

struct Queue {
    state: Mutex<Queued>,
    changed: Condvar,
}

/// The thread that calls the sink.
#[derive(Default, PartialEq, Eq)]
enum Thread {
    #[default]
    Awake,
    /// It waits to be woken.
    Asleep,
    /// It could not be started, or the sink has panicked.
    Gone,
}

#[derive(Default)]
struct Queued {
    lines: VecDeque<LogLine>,
    bytes: usize,
    /// Lines dropped since the last one that was queued.
    dropped: u64,
    /// A line is in the sink.
    writing: bool,
    /// There will be no more lines.
    closed: bool,
    thread: Thread,
}

impl LogWriter {
    /// A writer to `sink`.
    pub(super) fn new(sink: LogSink) -> Self {
        let queue = Arc::new(Queue {
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let thread = thread::Builder::new().name("lambda-log".to_owned());
        let of_thread = queue.clone();
        if thread.spawn(move || of_thread.write_all(&sink)).is_err() {
            queue.lock().thread = Thread::Gone;
        }
        Self(Arc::new(Handle(queue)))
    }

    /// Queues a line, or drops it when too much is waiting.
    pub(super) fn write(&self, line: LogLine) {
        let queue = &self.0.0;
        let mut state = queue.lock();
        if state.thread == Thread::Gone {
            return;
        }
        let bytes = line.text.len() + LINE_OVERHEAD;
        if state.bytes + bytes > MAX_QUEUED {
            state.dropped += 1;
            return;
        }
        if state.dropped > 0 {
            let text = format!(
                "({} lines dropped: output is read too slowly)",
                state.dropped
            );
            state.dropped = 0;
            state.bytes += text.len() + LINE_OVERHEAD;
            let notice = LogLine {
                text,
                ..line.clone()
            };
            state.lines.push_back(notice);
        }
        state.bytes += bytes;
        state.lines.push_back(line);
        let wake = std::mem::take(&mut state.thread) == Thread::Asleep;
        drop(state);
        if wake {
            queue.changed.notify_one();
        }
    }

    /// Waits until the sink has all lines, at most half a second.
    pub(super) async fn flush(&self) {
        let deadline = Instant::now() + FLUSH;
        while Instant::now() < deadline {
            if self.0.0.is_idle() {
                return;
            }
            sleep(Duration::from_millis(1)).await;
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.changed.notify_one();
    }
}

impl Queue {
    /// Writes lines until there are no more.
    fn write_all(&self, sink: &LogSink) {
        while let Some(line) = self.next() {
            // A closed stdout panics in `println!`: only the showing ends.
            let panicked = catch_unwind(AssertUnwindSafe(|| sink(line))).is_err();
            let mut state = self.lock();
            state.writing = false;
            if panicked {
                state.thread = Thread::Gone;
                state.lines = VecDeque::new();
                return;
            }
        }
    }

    /// Whether the sink has all lines, or gets no more.
    fn is_idle(&self) -> bool {
        let state = self.lock();
        state.thread == Thread::Gone || (state.lines.is_empty() && !state.writing)
    }

    fn next(&self) -> Option<LogLine> {
        let mut rested = false;
        let mut state = self.lock();
        loop {
            if let Some(line) = state.lines.pop_front() {
                state.bytes -= line.text.len() + LINE_OVERHEAD;
                state.writing = true;
                return Some(line);
            }
            if state.closed {
                return None;
            }
            if rested {
                state.thread = Thread::Asleep;
                let woken = self.changed.wait(state);
                state = woken.unwrap_or_else(PoisonError::into_inner);
                rested = state.lines.is_empty();
            } else {
                drop(state);
                thread::sleep(NAP);
                rested = true;
                state = self.lock();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queued> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The lines that Lambda writes before and after those of an invocation.
pub(super) struct LogTail<'a> {
    pub(super) report: Report<'a>,
}

impl LogTail<'_> {
    /// The last [`TAIL`] bytes of the log, with the function's own lines between them.
    pub(super) fn around(&self, said: &[u8]) -> Vec<u8> {
        let report = &self.report;
        let mut log = start_line(report.request_id).into_bytes();
        log.extend_from_slice(said);
        log.extend_from_slice(end_line(report.request_id).as_bytes());
        log.extend_from_slice(report.line("").as_bytes());
        let cut = log.len().saturating_sub(TAIL);
        log.split_off(cut)
    }
}

#[cfg(test)]
mod tests {
    use super::{LogTail, Report, TAIL};
    use std::time::Duration;

    #[test]
    fn the_tail_is_the_end_of_the_log_and_at_most_four_kilobytes() {
        let report = Report {
            request_id: "1-2-3",
            took: Duration::from_micros(1500),
            memory_mb: 128,
            max_memory_mb: Some(7),
            init: None,
        };
        let tail = LogTail { report };
        let short = String::from_utf8(tail.around(b"hello\n")).unwrap();
        assert_eq!(
            short,
            "START RequestId: 1-2-3 Version: $LATEST\nhello\nEND RequestId: 1-2-3\n\
             REPORT RequestId: 1-2-3\tDuration: 1.50 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\t\
             Max Memory Used: 7 MB\t\n"
        );
        let long = tail.around(&[b'x'; 2 * TAIL]);
        assert_eq!(long.len(), TAIL);
        assert!(long.starts_with(b"xxx") && long.ends_with(b"7 MB\t\n"));
    }
}
