//! One command, one file; what several take stands in [`args`].

pub mod args;
pub mod aws;
pub mod cache;
pub mod doctor;
pub mod e2e;
pub mod event_source;
pub mod failures;
pub mod faults;
pub mod lambda;
pub mod plan;
pub mod provision;
pub mod status;
pub mod table;
pub mod up;
