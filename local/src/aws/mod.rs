//! The AWS APIs that the template's resources need, on one port.
//!
//! [`gateway`] reads `X-Amz-Target` and hands the call to a service: Kinesis
//! ([`kinesis_engine`]), [`dynamodb`] or [`ssm`]. A service knows its own operations
//! and nothing of HTTP routing. [`lambda`] has paths of its own.

pub mod apis;
pub mod dynamodb;
pub mod gateway;
pub mod lambda;
pub mod ssm;
