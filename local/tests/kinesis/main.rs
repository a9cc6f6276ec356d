//! The Kinesis engine through its API: documented behaviour, kills, a model, a peer.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod conformance;
mod crash;
mod differential;
mod gateway;
mod model;
mod support;
