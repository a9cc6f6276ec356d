//! The AWS APIs that the template's resources need, on one port.
//!
//! [`gateway`] finds the service that a request is for: Kinesis ([`kinesis_engine`]), SQS
//! ([`sqs_engine`]), [`dynamodb`], SSM ([`parameter_store`]), [`sts`] or [`logs`]. A service knows its own
//! operations and nothing of HTTP routing. [`lambda`] has paths of its own.

pub mod apis;
pub mod dynamodb;
pub mod gateway;
pub mod lambda;
pub mod logs;
pub mod sts;
