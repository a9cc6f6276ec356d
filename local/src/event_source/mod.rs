//! The event source mapping: Kinesis in, invocations out.

pub mod settings;
