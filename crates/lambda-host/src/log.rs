//! What a function writes to stdout and stderr, line by line.

use std::{sync::Arc, time::Duration};

/// How much of an invocation's log `X-Amz-Log-Result` has, bytes (API reference,
/// `Invoke`).
pub const TAIL: usize = 4096;

/// One line of a function's output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// The function's name.
    pub function: Arc<str>,
    /// Which of its environments, from 1.
    pub environment: u64,
    /// The line, without its end. Bytes that are not UTF-8 are replaced.
    pub text: String,
}

/// Where lines go.
pub type LogSink = Arc<dyn Fn(LogLine) + Send + Sync>;

/// The lines that Lambda writes around those of an invocation.
pub(super) struct LogTail<'a> {
    pub(super) request_id: &'a str,
    pub(super) took: Duration,
    pub(super) memory_mb: u32,
}

impl LogTail<'_> {
    /// The last [`TAIL`] bytes of the log with the function's own lines in it.
    pub(super) fn around(&self, said: &[u8]) -> Vec<u8> {
        let Self {
            request_id,
            took,
            memory_mb,
        } = self;
        let milliseconds = took.as_secs_f64() * 1000.0;
        let mut log = format!("START RequestId: {request_id} Version: $LATEST\n").into_bytes();
        log.extend_from_slice(said);
        let end = format!(
            "END RequestId: {request_id}\nREPORT RequestId: {request_id}\tDuration: \
             {milliseconds:.2} ms\tBilled Duration: {:.0} ms\tMemory Size: {memory_mb} MB\t\n",
            milliseconds.ceil()
        );
        log.extend_from_slice(end.as_bytes());
        let cut = log.len().saturating_sub(TAIL);
        log.split_off(cut)
    }
}

#[cfg(test)]
mod tests {
    use super::{LogTail, TAIL};
    use std::time::Duration;

    #[test]
    fn the_tail_is_the_end_of_the_log_and_at_most_four_kilobytes() {
        let tail = LogTail {
            request_id: "1-2-3",
            took: Duration::from_micros(1500),
            memory_mb: 128,
        };
        let short = String::from_utf8(tail.around(b"hello\n")).unwrap();
        assert_eq!(
            short,
            "START RequestId: 1-2-3 Version: $LATEST\nhello\nEND RequestId: 1-2-3\n\
             REPORT RequestId: 1-2-3\tDuration: 1.50 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\t\n"
        );
        let long = tail.around(&[b'x'; 2 * TAIL]);
        assert_eq!(long.len(), TAIL);
        assert!(long.starts_with(b"xxx") && long.ends_with(b"128 MB\t\n"));
    }
}
