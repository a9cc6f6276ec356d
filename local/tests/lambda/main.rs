//! Lambda's API beside Kinesis, as plain HTTP: functions, and mappings that change while
//! they run.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what is wrong by stopping"
)]

mod functions;
mod live;
mod mappings;
mod restart;
mod world;
