//! One command, one file; what several take stands in [`args`].

pub mod args;
pub mod aws;
pub mod cache;
pub mod clock;
pub mod completions;
pub mod doctor;
pub mod e2e;
pub mod event;
pub mod event_source;
pub mod exec;
pub mod failures;
pub mod faults;
mod function_log;
pub mod init;
mod input;
pub mod invoke;
pub mod lambda;
pub mod log_args;
pub mod plan;
pub mod provision;
pub mod start;
pub mod status;
pub mod table;
pub mod tail;
pub mod up;
pub mod wait;
mod watch_status;
