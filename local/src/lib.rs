//! An offline development environment for Kinesis → Lambda → cache-aside pipelines.
//!
//! One process serves the AWS APIs and the cache, runs the function's unmodified
//! `bootstrap` behind the Lambda Runtime API, and invokes it with records from
//! Kinesis through an event source mapping. `docs/design.md` describes the parts.

pub mod adapters;
pub mod aws;
pub mod bootstraps;
pub mod capture;
pub mod cargo_build;
pub mod cli;
pub mod clock_control;
pub mod commands;
pub mod e2e;
pub mod embedded;
pub mod endpoints;
pub mod events;
pub mod guard;
pub mod leftovers;
pub mod mappings;
pub mod otlp;
pub mod outcome;
pub mod output;
pub mod page;
pub mod plan;
pub mod ports;
pub mod project;
pub mod provision;
pub mod records;
pub mod running;
pub mod server;
pub mod signals;
pub mod status_board;
pub mod terminal;
pub mod testing;
pub mod watch;
