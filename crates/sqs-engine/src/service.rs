//! SQS as a [`Service`], and the queues of this process.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use aws_wire::{
    error::AwsError,
    query::{self, QUERY_ERROR},
    service::{Call, Protocol, Service},
};
use axum_core::response::Response;
use durable_files::{Disk, SystemDisk};
use http::HeaderValue;

use crate::{
    OpenError, Options, Queue, SqsError,
    engine::{self, Engine},
    operations::{self, Context},
};

/// Amazon SQS for one account and region, as a [`Service`].
#[derive(Debug)]
pub struct Sqs {
    /// Shared with the handles on queues, and with move tasks.
    engine: Arc<Engine>,
}

impl Sqs {
    /// Opens an engine, with the queues in its data folder.
    ///
    /// # Errors
    ///
    /// [`OpenError`] says which part of the stored state cannot be used.
    pub async fn open(options: Options) -> Result<Arc<Self>, OpenError> {
        Self::open_on(Arc::new(SystemDisk), options).await
    }

    pub(crate) async fn open_on(
        disk: Arc<dyn Disk>,
        options: Options,
    ) -> Result<Arc<Self>, OpenError> {
        // Reading the stored queues blocks, and nothing is served before it.
        let opening = tokio::task::spawn_blocking(move || Engine::open(disk, options));
        let engine = opening.await.map_err(OpenError::interrupted)??;
        let engine = Arc::new(engine);
        engine::sweep::start(&engine);
        Ok(Arc::new(Self { engine }))
    }

    /// The queue called `name`.
    #[must_use]
    pub fn queue(&self, name: &str) -> Option<Queue> {
        let id = self.engine.find(name)?;
        Some(Queue::new(&self.engine, id, name))
    }

    /// The queue with this ARN, of this engine's account and region.
    #[must_use]
    pub fn queue_by_arn(&self, arn: &str) -> Option<Queue> {
        self.queue(self.engine.name_in_arn(arn)?)
    }

    /// The names of all queues, in order.
    #[must_use]
    pub fn queue_names(&self) -> Vec<String> {
        self.engine.list("", None, usize::MAX).names
    }

    /// Creates a queue, or finds the one of that name, as `CreateQueue` does.
    ///
    /// # Errors
    ///
    /// As the API reference states for `CreateQueue`.
    pub async fn create_queue(
        &self,
        name: &str,
        attributes: &BTreeMap<String, String>,
    ) -> Result<Queue, SqsError> {
        let id = self
            .engine
            .create(name, attributes, BTreeMap::new())
            .await?;
        Ok(Queue::new(&self.engine, id, name))
    }
}

#[async_trait]
impl Service for Sqs {
    fn name(&self) -> &'static str {
        "SQS"
    }

    fn target_prefixes(&self) -> &'static [&'static str] {
        &["AmazonSQS"]
    }

    fn operations(&self) -> &'static [&'static str] {
        operations::OPERATIONS
    }

    fn query(&self) -> Option<&'static query::Api> {
        Some(&operations::query::API)
    }

    async fn call(&self, call: Call) -> Result<Response, AwsError> {
        let context = Context {
            engine: &self.engine,
            call: &call,
        };
        let reply = operations::run(&context).await;
        Ok(reply.unwrap_or_else(|error| refusal(&error, call.protocol)))
    }
}

/// An error in JSON, with its code in the query protocol beside it (Smithy,
/// `awsQueryCompatible`).
fn refusal(error: &SqsError, protocol: Protocol) -> Response {
    let fault = if error.is_callers() {
        "Sender"
    } else {
        "Receiver"
    };
    let compatible = format!("{};{fault}", error.code.query());
    // The query protocol's XML is made of the JSON.
    let protocol = match protocol {
        Protocol::Query => Protocol::Json10,
        other => other,
    };
    let error = AwsError {
        status: error.code.status(),
        code: error.code.shape(),
        message: error.message.clone(),
    };
    let mut reply = protocol.error(&error, "");
    if let Ok(value) = HeaderValue::from_str(&compatible) {
        reply.headers_mut().insert(QUERY_ERROR, value);
    }
    reply
}
