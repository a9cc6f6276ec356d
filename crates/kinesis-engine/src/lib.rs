//! Kinesis Data Streams in one process, in memory or on disk.
//!
//! [`Kinesis`] implements [`aws_wire::service::Service`]: hand it a call, get the
//! reply that AWS would send, in JSON or CBOR. Inside, `engine` knows streams, shards
//! and records and nothing of any protocol; `operations` is the API, a file for each
//! group of operations; `log` keeps everything on disk when [`Options::data_dir`] is set.
//!
//! Every put wakes the readers that wait on [`arrivals::Arrivals`], so that they need
//! not poll, and [`reader::Reader`] reads records without a request.
//!
//! The crate listens on no port: `examples/stream.rs` puts it behind twenty lines of
//! HTTP, for any AWS SDK.
//!
//! ```
//! use aws_wire::service::{Call, Service};
//! use kinesis_engine::{Kinesis, Options, arrivals::Arrivals};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let kinesis = Kinesis::open(Options::default(), Arrivals::default()).await.unwrap();
//! for (operation, body) in [
//!     ("CreateStream", r#"{"StreamName":"orders","ShardCount":2}"#),
//!     ("PutRecord", r#"{"StreamName":"orders","PartitionKey":"1","Data":"aGVsbG8="}"#),
//! ] {
//!     let call = Call::new(operation, http::HeaderMap::new(), body);
//!     assert_eq!(kinesis.call(call).await.unwrap().status(), 200);
//! }
//! # });
//! ```

#![warn(unreachable_pub)]

pub mod arrivals;
mod engine;
pub mod error;
mod log;
pub mod observer;
mod operations;
mod options;
pub mod reader;
#[cfg(test)]
mod tests;
mod validation;

use std::sync::Arc;

use async_trait::async_trait;
use aws_wire::{
    error::AwsError,
    format::Format,
    service::{Call, Service},
};
use axum_core::response::Response;
use durable_files::{Disk, SystemDisk};

use self::{arrivals::Arrivals, engine::Engine, reader::Reader};

pub use durable_files::FsyncPolicy;
pub use engine::throttle::{SHARD_WRITE_BYTES, SHARD_WRITE_RECORDS, ThrottledRecords};
pub use log::OpenError;
pub use movable_clock::Clock;
pub use options::Options;

/// Kinesis Data Streams for one account and region, as a [`Service`].
#[derive(Debug)]
pub struct Kinesis {
    /// Shared with subscriptions, which outlive their calls.
    engine: Arc<Engine>,
}

impl Kinesis {
    /// Opens an engine; every put and every change of a stream's shards is
    /// announced on `arrivals`.
    ///
    /// # Errors
    ///
    /// [`OpenError`] says which part of the stored state cannot be used.
    pub async fn open(options: Options, arrivals: Arrivals) -> Result<Arc<Self>, OpenError> {
        Self::open_on(Arc::new(SystemDisk), options, arrivals).await
    }

    async fn open_on(
        disk: Arc<dyn Disk>,
        options: Options,
        arrivals: Arrivals,
    ) -> Result<Arc<Self>, OpenError> {
        // Reading the stored state blocks, and nothing is served before it.
        let opening = tokio::task::spawn_blocking(move || Engine::open(disk, options, arrivals));
        let engine = opening.await.map_err(OpenError::interrupted)??;
        let engine = Arc::new(engine);
        engine::sweep::start(&engine);
        Ok(Arc::new(Self { engine }))
    }

    /// Reads records in this process.
    #[must_use]
    pub fn reader(&self) -> Reader {
        Reader::of(&self.engine)
    }

    /// Bytes of memory that stored records take.
    #[must_use]
    pub fn memory(&self) -> u64 {
        self.engine.memory()
    }
}

#[async_trait]
impl Service for Kinesis {
    fn name(&self) -> &'static str {
        "Kinesis"
    }

    fn target_prefixes(&self) -> &'static [&'static str] {
        &["Kinesis_20131202"]
    }

    fn operations(&self) -> &'static [&'static str] {
        operations::OPERATIONS
    }

    async fn call(&self, call: Call) -> Result<Response, AwsError> {
        let format = Format::of(&call.headers);
        let reply = operations::run(&self.engine, &call.operation, format, &call.body).await;
        // An error has to be in the format of its request, so it is written here.
        Ok(reply.unwrap_or_else(|error| format.error(error.into())))
    }
}
