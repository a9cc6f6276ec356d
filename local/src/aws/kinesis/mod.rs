//! Kinesis Data Streams: an engine of our own.
//!
//! [`Kinesis`] is the service behind the gateway. Inside, [`engine`] knows
//! streams, shards and records and nothing of any wire; [`operations`] is the
//! API, one file for each operation; [`wire`] is JSON and CBOR; [`log`] keeps
//! all of it on disk, with [`Options::data_dir`].
//!
//! Every put wakes the readers that wait on [`arrivals`], so nobody polls.

pub mod arrivals;
pub mod clock;
mod engine;
pub mod error;
mod log;
mod operations;
mod options;
pub mod reader;
#[cfg(test)]
mod tests;
mod validation;
mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use axum::response::Response;

use self::{arrivals::Arrivals, engine::Engine, reader::Reader, wire::Format};
use super::{
    error::AwsError,
    service::{Call, Service},
};

pub use log::OpenError;
pub use options::{FsyncPolicy, Options};

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
    /// [`OpenError`] says what of the stored state cannot be used.
    pub async fn open(options: Options, arrivals: Arrivals) -> Result<Arc<Self>, OpenError> {
        // Reading the stored state blocks, and nothing is served before it.
        let opening = tokio::task::spawn_blocking(move || Engine::open(options, arrivals));
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

    fn operations(&self) -> Vec<&'static str> {
        operations::OPERATIONS.to_vec()
    }

    async fn call(&self, call: Call) -> Result<Response, AwsError> {
        let format = Format::of(&call.headers);
        let reply = operations::run(&self.engine, &call.operation, format, &call.body).await;
        // An error has to be in the format of its request, so it is written here.
        Ok(reply.unwrap_or_else(|error| format.error(error)))
    }
}
