//! The event source mapping of a queue against a model of AWS's rules.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what is wrong by stopping"
)]

mod batches;
mod failures;
mod ledger;
mod memory;
mod model;
mod stopping;
mod world;
