//! Ctrl-C and SIGTERM.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Exit code of a load that a signal stopped: 128 + SIGINT, as shells have it.
pub const INTERRUPTED: u8 = 130;

/// The token that the first Ctrl-C or SIGTERM cancels. A second one ends the
/// process at once.
///
/// # Errors
///
/// The signals cannot be handled.
pub fn stop_on_signal() -> io::Result<CancellationToken> {
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    let stop = CancellationToken::new();
    let stopping = stop.clone();
    tokio::spawn(async move {
        for first in [true, false] {
            tokio::select! {
                _ = interrupted.recv() => {}
                _ = terminated.recv() => {}
            }
            if first {
                eprintln!("stopping: finishing the batches in flight; Ctrl-C again exits at once");
                stopping.cancel();
            }
        }
        std::process::exit(INTERRUPTED.into());
    });
    Ok(stop)
}
