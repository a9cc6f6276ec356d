//! The peak memory of a process.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use nix::unistd::Pid;
use tokio::time::Instant;

/// A reading serves so long: the kernel takes longer for it than Lambda's runtimes for an
/// invocation.
const FRESH: Duration = Duration::from_millis(250);

/// The peak memory of a process, read from time to time.
#[derive(Debug)]
pub(super) struct PeakMemory {
    process: Pid,
    last: Mutex<Option<(Instant, Option<u32>)>>,
}

impl PeakMemory {
    pub(super) fn of(process: Pid) -> Self {
        Self {
            process,
            last: Mutex::new(None),
        }
    }

    /// MB, rounded up. `None` where there is no `/proc`, or the process is gone and was never
    /// looked at.
    pub(super) fn megabytes(&self) -> Option<u32> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some((at, megabytes)) if at.elapsed() < FRESH => *megabytes,
            _ => {
                let before = last.and_then(|(_, megabytes)| megabytes);
                let megabytes = read(self.process).or(before);
                *last = Some((Instant::now(), megabytes));
                megabytes
            }
        }
    }
}

/// `VmHWM:     12345 kB`
fn read(process: Pid) -> Option<u32> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let mut lines = status.lines();
    let peak = lines.find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u32 = peak.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes.div_ceil(1024))
}
