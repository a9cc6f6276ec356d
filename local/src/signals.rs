//! Ctrl-C and SIGTERM.

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

/// Returns at Ctrl-C or SIGTERM.
pub async fn wait_for_signal() {
    use tokio::signal::unix::{SignalKind, signal};
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
