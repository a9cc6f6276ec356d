//! What joins the crates: each adapter lets one of them stand behind a trait of the
//! event source mapping.

pub mod engine_source;
pub mod function_target;
pub mod push_trigger;
