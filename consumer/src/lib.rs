//! The Lambda function of the pipeline. It replaces the location's name in each
//! Kinesis record by the location's item, from Momento if it is cached there and
//! from DynamoDB if not.
//!
//! Data flows one way. [`handler`] decodes a batch into [`record`]s and stops at
//! the first [`poison`] record. [`cache_aside`] looks up each record's location:
//! in the [`cache`] first, in the [`store`] on a miss. `handler` then prints each
//! processed record, in the batch's order.
//!
//! Small decorators keep the function working when the cache or the table fails:
//! [`deadline`], [`cache::retry`], [`cache::rotation`], [`cache::guarded`] and
//! [`store::bounded`]. [`init`] puts them together. docs/reference/cache-aside.md gives the
//! reason and the test for each.
//!
//! The function does not know whether it runs in AWS, under AWS's Runtime
//! Interface Emulator or in the local environment. Endpoints and credentials come
//! from the environment, as the AWS SDK reads them.

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
