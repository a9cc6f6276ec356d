//! Malformed requests against every port: no panic, no hang, no server error, and memory
//! stays bounded.
//!
//! Each test changes valid requests at random for a moment, or for `FUZZ_SECONDS`
//! seconds. A failure shows the smallest request that still fails.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod aws_requests;
mod bytes;
mod documents;
mod harness;
mod http_requests;
mod momento_calls;
mod runtime_api;
