//! The page's paths under `/_local/` of the AWS port, as a browser uses them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what is wrong by stopping"
)]

mod command;
mod guarded;
mod live;
mod records;
mod resources;
mod world;
