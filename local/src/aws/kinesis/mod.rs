//! Kinesis Data Streams: an engine of our own.
//!
//! [`Kinesis`] is the service behind the gateway. Inside, [`engine`] knows
//! streams, shards and records and nothing of any wire; [`operations`] is the
//! API, one file for each operation; [`wire`] is JSON and CBOR.
//!
//! Every put wakes the readers that wait on [`arrivals`], so nobody polls.

pub mod arrivals;
pub mod clock;
mod engine;
pub mod error;
mod operations;
mod options;
#[cfg(test)]
mod tests;
mod validation;
mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use axum::response::Response;

use self::{arrivals::Arrivals, engine::Engine, wire::Format};
use super::{
    error::AwsError,
    service::{Call, Service},
};

pub use options::{FsyncPolicy, Options};

/// Kinesis Data Streams for one account and region, as a [`Service`].
#[derive(Debug)]
pub struct Kinesis {
    engine: Engine,
}

/// The engine cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {}

impl Kinesis {
    /// Opens an engine; every put and every change of a stream's shards is
    /// announced on `arrivals`.
    ///
    /// # Errors
    ///
    /// [`OpenError`] says what of the stored state cannot be used.
    pub async fn open(options: Options, arrivals: Arrivals) -> Result<Arc<Self>, OpenError> {
        let engine = Engine::new(options, arrivals);
        Ok(Arc::new(Self { engine }))
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
