//! What a test runs on.

use anyhow::Context;

/// A runtime of two threads for one test; others run beside it.
///
/// # Errors
///
/// The system has no thread left.
pub fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("starting a runtime")
}
