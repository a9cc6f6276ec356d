//! Ctrl-C and SIGTERM.

use crate::outcome::INTERRUPTED;

/// Done at the first Ctrl-C or SIGTERM; a second one exits at once.
pub async fn interrupted() {
    wait_for_signal().await;
    eprintln!("stopping: what is under way is finished; Ctrl-C again to exit at once");
    tokio::spawn(async {
        wait_for_signal().await;
        std::process::exit(INTERRUPTED.into());
    });
}

/// Done at Ctrl-C or SIGTERM.
pub async fn wait_for_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminated) = signal(SignalKind::terminate()) else {
        // Without a handler SIGTERM ends the process by itself.
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated.recv() => {}
    }
}
