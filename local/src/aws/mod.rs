//! The AWS APIs that the pipeline uses, on one port.
//!
//! [`gateway`] reads `X-Amz-Target` and hands the call to one of the services;
//! a service knows its own operations and nothing of HTTP routing.

pub mod apis;
pub mod dynamodb;
pub mod error;
pub mod event_stream;
pub mod gateway;
pub mod kinesis;
pub mod service;
pub mod ssm;

/// The account that every ARN names, as LocalStack does it.
pub const ACCOUNT_ID: &str = "000000000000";

/// Used where neither a flag nor the environment names a region.
pub const DEFAULT_REGION: &str = "us-east-1";
