//! The sample's load generator. It writes the article's records to a Kinesis stream, from
//! one or more threads, at full speed or at a steady rate.
//!
//! [`cli`] reads flags and environment, [`interrupt`] handles signals, and [`record`] has
//! the article's record. The load itself is the library `load-generator`.

pub mod cli;
pub mod interrupt;
pub mod record;
