//! Ctrl-C and SIGTERM.

use nix::sys::signal::Signal;
use tokio::signal::unix::{self, SignalKind, signal};

use crate::outcome::INTERRUPTED;

/// SIGINT and SIGTERM, one after the other, from [`Signals::listen`] on.
pub struct Signals {
    interrupt: unix::Signal,
    terminate: unix::Signal,
}

impl Signals {
    /// Catches the signals from now on. A server does so before it says that it is ready:
    /// who reads that may stop it at once.
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

    /// Returns at the first signal since [`Signals::listen`]. The second one exits the
    /// process at once.
    pub async fn interrupted(mut self) {
        self.next().await;
        eprintln!("stopping: finishing the work under way; press Ctrl-C again to exit at once");
        tokio::spawn(async move {
            self.next().await;
            std::process::exit(INTERRUPTED.into());
        });
    }
}
