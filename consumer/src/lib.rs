//! The Lambda function of the pipeline: for every Kinesis record, replaces the
//! location's name by its description, from Momento where it is cached and from
//! DynamoDB where it is not.
//!
//! Data flows one way: [`handler`] decodes a batch into [`record`]s, asks
//! [`cache_aside`] for each record's location, which asks [`cache`] first and
//! [`store`] on a miss. [`config`] and [`secrets`] are read once, at init.
//!
//! Nothing here knows whether it runs in AWS, under AWS's Runtime Interface
//! Emulator or in the local environment: endpoints and credentials come from
//! the environment, as the AWS SDK reads them.

pub mod cache;
pub mod cache_aside;
pub mod config;
pub mod handler;
pub mod init;
pub mod record;
pub mod secrets;
pub mod store;
