//! `CloudWatch` Logs in one process and in memory.
//!
//! [`Logs`] implements [`aws_wire::service::Service`]: hand it a call, get the reply that AWS
//! would send. Inside, `store` knows groups, streams and events and nothing of any protocol;
//! `operations` is the API, a file for each group of operations; [`Pattern`] is the language
//! of filters.
//!
//! A program that has lines to keep writes them through a [`Writer`], without a request. All
//! events together take at most [`Options::max_bytes`]; beyond, the oldest are dropped.
//!
//! ```
//! use aws_wire::service::{Call, Service};
//! use logs_engine::{Logs, Options};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let logs = Logs::new(Options::default());
//! let writer = logs.writer("/aws/lambda/orders", "2026/01/31/[$LATEST]0f");
//! writer.write("START RequestId: 1 Version: $LATEST\n");
//!
//! let request = r#"{"logGroupName":"/aws/lambda/orders","filterPattern":"START"}"#;
//! let call = Call::new("FilterLogEvents", http::HeaderMap::new(), request);
//! assert_eq!(logs.call(call).await.unwrap().status(), 200);
//! # });
//! ```

#![warn(unreachable_pub)]

mod error;
mod names;
mod operations;
mod options;
mod pattern;
mod store;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use aws_wire::{
    error::AwsError,
    service::{Call, Service},
};
use axum_core::response::Response;

use store::Store;

pub use movable_clock::Clock;
pub use operations::RETENTION_DAYS;
pub use options::Options;
pub use pattern::{Pattern, PatternError};
pub use store::Writer;

/// `CloudWatch` Logs for one account and region, as a [`Service`]. Clones share all.
#[derive(Debug, Clone)]
pub struct Logs {
    store: Arc<Store>,
}

impl Logs {
    /// An engine without groups.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self {
            store: Arc::new(Store::new(options)),
        }
    }

    /// Makes the group `name`, if it is not there.
    pub fn create_group(&self, name: &str) {
        self.store.ensure_group(name);
    }

    /// Makes the group `name`, if it is not there, whose events are kept for so many days of
    /// the engine's clock; `None` keeps them as long as there is memory.
    pub fn create_group_for(&self, name: &str, retention_days: Option<u32>) {
        let group = self.store.ensure_group(name);
        group.settings.lock().retention = retention_days;
    }

    /// A writer to a stream. The group and the stream are made if they are not there.
    #[must_use]
    pub fn writer(&self, group: &str, stream: &str) -> Writer {
        Writer::new(&self.store, group, stream)
    }

    /// Bytes of memory that events take, without the last up to 64 KiB of each stream.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.store.bytes()
    }
}

#[async_trait]
impl Service for Logs {
    fn name(&self) -> &'static str {
        "CloudWatch Logs"
    }

    fn target_prefixes(&self) -> &'static [&'static str] {
        &["Logs_20140328"]
    }

    fn signing_name(&self) -> String {
        "logs".to_owned()
    }

    fn operations(&self) -> &'static [&'static str] {
        operations::OPERATIONS
    }

    async fn call(&self, call: Call) -> Result<Response, AwsError> {
        operations::run(&self.store, &call)
    }
}
