//! Load for the pipeline: records of the article's form, written to a Kinesis
//! stream by any number of writers, as fast as they go or at a steady rate.
//!
//! [`cli`] reads flags and environment, [`load`] runs the writers, [`writer`]
//! puts batches and repeats what Kinesis refused, [`report`] says what it took.

pub mod cli;
pub mod interrupt;
pub mod load;
pub mod record;
pub mod report;
pub mod writer;
