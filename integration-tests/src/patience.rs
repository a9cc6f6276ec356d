//! Waiting for what comes true in the end.

use std::time::Duration;

use anyhow::bail;
use tokio::time::{Instant, sleep};

/// How long nothing may change before what is waited for counts as not coming.
/// Long, as a loaded machine is slow; a test that passes never waits for it.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Waits until `state` satisfies `wanted`.
///
/// # Errors
///
/// It does not, and has not changed for long; the error shows what was wanted and
/// what there is.
pub async fn eventually<T: PartialEq + std::fmt::Debug>(
    what: &str,
    mut state: impl FnMut() -> T,
    wanted: impl Fn(&T) -> bool,
) -> anyhow::Result<T> {
    let mut before = None;
    let mut deadline = Instant::now() + PATIENCE;
    loop {
        let now = state();
        if wanted(&now) {
            return Ok(now);
        }
        let now = Some(now);
        if now != before {
            deadline = Instant::now() + PATIENCE;
        } else if Instant::now() >= deadline {
            let seconds = PATIENCE.as_secs();
            bail!("{what}: it is {before:?}, and has been for {seconds} s");
        }
        before = now;
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
