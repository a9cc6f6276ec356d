//! End-to-end scenarios: `tests/integration`, and the same mapping in front of
//! every Lambda: `tests/runtimes`. The library is empty; the package also has
//! `flaky` and `moody`, functions that fail on purpose.
