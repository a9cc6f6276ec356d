//! Shared parts of the end-to-end tests.
//!
//! Five test programs use them: `tests/integration` (the scenarios, on every backend),
//! `tests/runtimes` (one mapping with every kind of Lambda), `tests/endpoints` (one
//! mapping with every Kinesis), `tests/fuzz` (malformed requests) and `tests/soak`. The package also has `flaky` and
//! `moody`, functions that fail on purpose.

pub mod emulator;
pub mod patience;
pub mod program;
pub mod queue;
pub mod runtime;
pub mod tool;
