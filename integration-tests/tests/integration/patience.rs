//! Waiting for what comes true in the end.

use std::time::Duration;

use anyhow::bail;
use tokio::time::{Instant, sleep};

/// How long anything may take to come true. Long, as a loaded machine is slow;
/// a test that passes never waits for it.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Waits until `state` satisfies `wanted`.
///
/// # Errors
///
/// It does not in time; the error shows what was wanted and what there is.
pub async fn eventually<T: std::fmt::Debug>(
    what: &str,
    mut state: impl FnMut() -> T,
    wanted: impl Fn(&T) -> bool,
) -> anyhow::Result<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let now = state();
        if wanted(&now) {
            return Ok(now);
        }
        if Instant::now() >= deadline {
            bail!("not within {} s: {what}; it is {now:?}", PATIENCE.as_secs());
        }
        sleep(Duration::from_millis(5)).await;
    }
}

/// Fails with both sides shown unless they are equal.
///
/// # Errors
///
/// They are not.
#[allow(clippy::needless_pass_by_value)] // so that callers need not borrow what they made
pub fn same<T: PartialEq + std::fmt::Debug>(
    what: &str,
    received: T,
    expected: T,
) -> anyhow::Result<()> {
    if received != expected {
        bail!("{what}\n  expected: {expected:?}\n  received: {received:?}");
    }
    Ok(())
}
