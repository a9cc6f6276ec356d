//! What the end-to-end tests have in common.
//!
//! Three test programs use it: `tests/integration` (the scenarios, on every backend),
//! `tests/runtimes` (one mapping in front of every kind of Lambda) and
//! `tests/endpoints` (one mapping behind every Kinesis), besides `tests/soak`.
//! The package also has `flaky` and `moody`, functions that fail on purpose.

pub mod emulator;
pub mod patience;
pub mod program;
pub mod queue;
pub mod runtime;
pub mod tool;
