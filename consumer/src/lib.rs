//! The Lambda function of the pipeline: for every Kinesis record, replaces the
//! location's name by its description, from Momento where it is cached and from
//! DynamoDB where it is not.
//!
//! Data flows one way: [`handler`] decodes a batch ([`poison`] or [`record`]s),
//! asks [`cache_aside`] for each record's location, which asks the [`cache`] first
//! and the [`store`] on a miss, and tells of each record in its order. What keeps
//! it going when either fails stands in small decorators around the two:
//! [`deadline`], [`cache::retry`], [`cache::rotation`], [`cache::breaker`],
//! [`store::bounded`]; [`init`] puts them together. docs/reference/cache-aside.md says why
//! each is there, and which test proves it.
//!
//! Nothing here knows whether it runs in AWS, under AWS's Runtime Interface
//! Emulator or in the local environment: endpoints and credentials come from
//! the environment, as the AWS SDK reads them.

pub mod cache;
pub mod cache_aside;
pub mod config;
pub mod deadline;
pub mod entry;
#[cfg(test)]
mod fakes;
pub mod handler;
pub mod init;
pub mod invocation;
pub mod logging;
pub mod metrics;
pub mod output;
pub mod poison;
pub mod record;
pub mod secrets;
pub mod single_flight;
pub mod store;
pub mod ttl;
