//! End-to-end scenarios: `tests/integration`. The library is empty; the package
//! also has `flaky`, a function that fails on purpose.
