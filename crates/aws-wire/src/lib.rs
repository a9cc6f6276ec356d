//! The wire protocols that AWS services share, without any service.
//!
//! A [`service::Service`] answers [`service::Call`]s: one operation, its headers and
//! its body. [`format::Format`] reads and writes the bodies of the AWS JSON 1.1 and
//! CBOR 1.1 protocols, [`blob::Blob`] and [`timestamp::Timestamp`] are the two
//! members that differ between them, [`error::AwsError`] is an error in the shape
//! that AWS SDKs parse, and [`event_stream`] frames the messages of streaming replies.
//! [`protocol::Protocol`] tells a request's protocol and writes errors in it, and
//! [`query`] serves the query protocol (forms and XML) in front of a JSON service.
//!
//! The crate routes nothing and listens on nothing: any HTTP server that can hand
//! over headers and a body can serve a `Service`.
//!
//! ```
//! use aws_wire::{
//!     error::AwsError,
//!     service::{Call, Service, json_reply},
//! };
//! use axum_core::response::Response;
//!
//! /// A service with one operation.
//! struct Sts;
//!
//! #[async_trait::async_trait]
//! impl Service for Sts {
//!     fn name(&self) -> &'static str {
//!         "STS"
//!     }
//!
//!     fn target_prefixes(&self) -> &'static [&'static str] {
//!         &["AWSSecurityTokenServiceV20110615"]
//!     }
//!
//!     fn operations(&self) -> &'static [&'static str] {
//!         &["GetCallerIdentity"]
//!     }
//!
//!     async fn call(&self, _call: Call) -> Result<Response, AwsError> {
//!         json_reply(&serde_json::json!({ "Account": aws_wire::ACCOUNT_ID }))
//!     }
//! }
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! # runtime.block_on(async {
//! let call = Call::new("GetCallerIdentity", http::HeaderMap::new(), "{}");
//! let reply = Sts.call(call).await.unwrap();
//! assert_eq!(reply.status(), 200);
//! # });
//! ```

#![warn(unreachable_pub)]

pub mod blob;
pub mod error;
pub mod event_stream;
pub mod format;
pub mod protocol;
pub mod query;
pub mod service;
pub mod signing;
pub mod timestamp;

/// The account in every ARN, 12 digits: the one that LocalStack uses.
pub const ACCOUNT_ID: &str = "000000000000";

/// The region where neither a flag nor the environment names one.
pub const DEFAULT_REGION: &str = "us-east-1";
