//! Ctrl-C and SIGTERM.

use nix::sys::signal::Signal;
use tokio::signal::unix::{self, SignalKind, signal};

use crate::outcome::INTERRUPTED;

/// Returns at the first Ctrl-C or SIGTERM. The second one exits the process at once.
pub async fn interrupted() {
    wait_for_signal().await;
    eprintln!("stopping: finishing the work under way; press Ctrl-C again to exit at once");
    tokio::spawn(async {
        wait_for_signal().await;
        std::process::exit(INTERRUPTED.into());
    });
}

/// SIGINT and SIGTERM, one after the other, from [`Signals::listen`] on.
pub struct Signals {
    interrupt: unix::Signal,
    terminate: unix::Signal,
}

impl Signals {
    /// Catches the signals from now on.
    ///
    /// # Errors
    ///
    /// The system refuses.
    pub fn listen() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// The next signal.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::SIGINT,
            _ = self.terminate.recv() => Signal::SIGTERM,
        }
    }
}

/// Returns at Ctrl-C or SIGTERM.
pub async fn wait_for_signal() {
    let Ok(mut terminated) = signal(SignalKind::terminate()) else {
        // Without a handler, SIGTERM ends the process by default.
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated.recv() => {}
    }
}
