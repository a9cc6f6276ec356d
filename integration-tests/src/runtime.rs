//! The async runtime of a test.

use anyhow::Context;

/// A runtime with two threads for one test. Other tests run at the same time.
///
/// # Errors
///
/// The system cannot start a thread.
pub fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("starting a runtime")
}
