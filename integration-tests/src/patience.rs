//! Eventual assertions.

use std::time::Duration;

use anyhow::bail;
use tokio::time::{Instant, sleep};

/// The longest time without a change before a wait fails. It is long because a loaded
/// machine is slow; a test that passes never waits this long.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Waits until `state` satisfies `wanted`.
///
/// # Errors
///
/// The state is not as wanted and has not changed for [`PATIENCE`]. The error shows
/// `what` and the state.
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
            bail!("{what}: unchanged for {seconds} s, received {before:?}");
        }
        before = now;
        sleep(Duration::from_millis(5)).await;
    }
}

/// Fails unless both values are equal; the error shows both.
///
/// # Errors
///
/// The values differ.
#[allow(clippy::needless_pass_by_value)] // callers pass temporary values
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
