//! The load generator of the pipeline. It writes the article's records to a Kinesis
//! stream, from one or more threads, at full speed or at a steady rate.
//!
//! [`cli`] reads flags and environment, [`interrupt`] handles signals, [`load`]
//! runs the writers, [`writer`] puts batches and retries refused records, and
//! [`report`] holds the results.

pub mod cli;
pub mod interrupt;
pub mod load;
pub mod record;
pub mod report;
pub mod writer;
