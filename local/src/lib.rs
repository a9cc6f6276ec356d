//! An offline development environment for Kinesis → Lambda → cache-aside pipelines.
//!
//! One process serves the AWS APIs, runs the function's unmodified `bootstrap`
//! behind the Lambda Runtime API, feeds it from Kinesis through an event source
//! mapping, and stands in for the cache. `docs/design.md` has the whole picture.

pub mod aws;
pub mod event_source;
pub mod lambda;
pub mod momento;
pub mod template;
