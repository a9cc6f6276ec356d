//! The event source mapping against a model of AWS's rules.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what is wrong by stopping"
)]

mod clock;
mod function;
mod ledger;
mod model;
mod pause;
mod recovery;
mod redrive;
mod settled;
mod starvation;
mod status;
mod stream;
