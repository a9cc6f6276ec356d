//! What a collector receives.

#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a test says what is wrong by stopping"
)]

mod collector;
mod failures;
mod journeys;
mod world;
