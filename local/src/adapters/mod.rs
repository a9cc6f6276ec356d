//! Adapters that join the crates: each implements a trait of the event source
//! mapping for another crate.

pub mod engine_queue;
pub mod engine_source;
pub mod function_target;
pub mod in_process;
pub mod push_trigger;
