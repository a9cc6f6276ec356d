//! The Kinesis engine from outside: over HTTP, across a kill, against a model.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what is wrong by stopping"
)]

mod conformance;
mod crash;
mod differential;
mod gateway;
mod model;
mod support;
