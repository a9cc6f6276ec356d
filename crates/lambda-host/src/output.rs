//! The end of what a process has written, for error messages and `X-Amz-Log-Result`.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep};

use super::log::{TAIL, is_panic};

/// Lines kept for the message about a process that ended.
const LAST_LINES: usize = 20;

/// Lines of a panic before its backtrace.
const PANIC_LINES: usize = 2;

/// Longest line kept for that message, bytes.
const LAST_LINE: usize = 1000;

/// A pipe in which nothing has come for so long is taken to be empty.
const QUIET: Duration = Duration::from_millis(5);

/// How long the tail of the log waits for quiet: a thread may never stop writing.
const LONGEST_WAIT: Duration = Duration::from_millis(50);

/// The end of what a process has written.
#[derive(Debug, Clone, Default)]
pub(super) struct Output(Arc<Mutex<Written>>);

#[derive(Debug, Default)]
struct Written {
    lines: VecDeque<String>,
    /// The first lines of the last panic: a backtrace can push them out of `lines`.
    panic: Vec<String>,
    /// Lines after the first one of `panic`.
    since_panic: usize,
    /// At least the last [`TAIL`] bytes since an invocation began, at most twice as many.
    tail: Vec<u8>,
    /// How many lines there were, ever.
    count: u64,
}

impl Output {
    /// Adds a line.
    pub(super) fn add(&self, line: &str) {
        let mut written = self.lock();
        written.count += 1;
        if written.lines.len() == LAST_LINES {
            written.lines.pop_front();
        }
        let kept = line.floor_char_boundary(LAST_LINE);
        written.note_panic(&line[..kept]);
        written.lines.push_back(line[..kept].to_owned());
        let end = &line.as_bytes()[line.len().saturating_sub(TAIL)..];
        written.tail.extend_from_slice(end);
        written.tail.push(b'\n');
        // Not at each line: it moves what is left.
        if written.tail.len() > 2 * TAIL {
            let over = written.tail.len() - TAIL;
            written.tail.drain(..over);
        }
    }

    /// The last lines; before them, those of a panic that its backtrace has pushed out.
    pub(super) fn last_lines(&self) -> Vec<String> {
        let written = self.lock();
        let last = written.lines.iter();
        let before = written.since_panic.saturating_sub(written.lines.len());
        let pushed_out = written.panic.iter().take(before);
        pushed_out.chain(last).cloned().collect()
    }

    /// Forgets what [`Output::tail`] would return.
    pub(super) fn begin_tail(&self) {
        self.lock().tail.clear();
    }

    /// The last bytes since [`Output::begin_tail`], once what the process has written so far
    /// has come through its pipes, or after 50 ms if it does not stop writing.
    pub(super) async fn tail(&self) -> Vec<u8> {
        let deadline = Instant::now() + LONGEST_WAIT;
        let mut count = self.lock().count;
        loop {
            sleep(QUIET).await;
            let written = self.lock();
            if written.count == count || Instant::now() >= deadline {
                let over = written.tail.len().saturating_sub(TAIL);
                return written.tail[over..].to_vec();
            }
            count = written.count;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Written> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Written {
    fn note_panic(&mut self, line: &str) {
        if is_panic(line) {
            self.panic.clear();
            self.since_panic = 0;
        }
        if is_panic(line) || !self.panic.is_empty() {
            self.since_panic += 1;
            if self.panic.len() < PANIC_LINES {
                self.panic.push(line.to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LAST_LINES, Output};

    #[test]
    fn the_lines_of_a_panic_are_kept_when_its_backtrace_is_long() {
        let output = Output::default();
        let panic = [
            "thread 'main' (7) panicked at src/main.rs:3:5:",
            "no orders",
        ];
        output.add("before");
        for line in panic {
            output.add(line);
        }
        assert_eq!(output.last_lines(), ["before", panic[0], panic[1]]);
        for frame in 0..LAST_LINES - 1 {
            output.add(&format!("{frame}: core::ops::function::FnOnce::call_once"));
        }
        // Its second line is the first of the last ones.
        assert_eq!(output.last_lines()[..2], panic);
        assert_eq!(output.last_lines().len(), LAST_LINES + 1);
        output.add("the last frame");
        output.add("and one more");
        assert_eq!(output.last_lines()[..2], panic);
        assert_eq!(output.last_lines().len(), LAST_LINES + 2);
    }
}
