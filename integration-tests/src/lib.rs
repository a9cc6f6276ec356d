//! End-to-end scenarios: `tests/integration`, the same mapping in front of every
//! Lambda: `tests/runtimes`, and behind every Kinesis: `tests/endpoints`. The
//! library is empty; the package also has `flaky` and `moody`, functions that
//! fail on purpose.
