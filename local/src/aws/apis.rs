//! All services on one port, for `klocal aws` and `klocal up`.

use std::sync::Arc;

use aws_wire::service::Service;
use axum::Router;
use durable_files::private;
use kinesis_engine::{Kinesis, arrivals::Arrivals, reader::Reader};
use logs_engine::Logs;
use loopback_server::hosts::AllowedHosts;
use parameter_store::ParameterStore;
use sqs_engine::Sqs;
use tokio::net::TcpListener;

use super::{
    dynamodb::{self, DynamoDb},
    gateway::{CallCounts, Gateway},
    sts::Sts,
};
use crate::{
    events::StoreObserver,
    guard::{Guard, Protocol},
    server::Server,
};

/// The AWS APIs, served. Dropping it stops them.
pub struct AwsApis {
    server: Server,
    /// How often each operation was called.
    pub calls: Arc<CallCounts>,
    /// Signals new records and shards of the streams.
    pub arrivals: Arrivals,
    /// Reads the streams' records without a request.
    pub reader: Reader,
    /// The queues, without a request.
    pub sqs: Arc<Sqs>,
    /// `CloudWatch` Logs, which functions write to without a request.
    pub logs: Logs,
}

/// What is served beside the AWS APIs, on the same port.
#[derive(Default)]
pub struct Beside {
    /// Lambda's API.
    pub lambda: Option<Router>,
    /// The page, under `/_local/`.
    pub page: Router,
    /// Who sees the requests to DynamoDB.
    pub store: StoreObserver,
}

/// Why the AWS APIs could not be started.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Kinesis.
    #[error(transparent)]
    Kinesis(#[from] kinesis_engine::OpenError),
    /// SQS.
    #[error(transparent)]
    Sqs(#[from] sqs_engine::OpenError),
    /// DynamoDB.
    #[error(transparent)]
    DynamoDb(#[from] dynamodb::StartError),
    /// SSM.
    #[error(transparent)]
    Ssm(#[from] parameter_store::OpenError),
    /// The data folder, or the listener.
    #[error("the AWS APIs cannot be served: {0}")]
    Serve(#[from] std::io::Error),
}

impl AwsApis {
    /// Opens the services, with their state in the data folder of `kinesis` or
    /// in memory, and serves them on `listener`.
    ///
    /// # Errors
    ///
    /// State that cannot be opened.
    pub async fn start(
        listener: TcpListener,
        kinesis: kinesis_engine::Options,
    ) -> Result<Self, OpenError> {
        Self::start_for(listener, kinesis, &AllowedHosts::default()).await
    }

    /// As [`AwsApis::start`], for clients that call this machine by one of `hosts`
    /// too.
    ///
    /// # Errors
    ///
    /// State that cannot be opened.
    pub async fn start_for(
        listener: TcpListener,
        kinesis: kinesis_engine::Options,
        hosts: &AllowedHosts,
    ) -> Result<Self, OpenError> {
        Self::start_with(listener, kinesis, hosts, Beside::default()).await
    }

    /// As [`AwsApis::start_for`], and serves what has paths of its own.
    ///
    /// # Errors
    ///
    /// State that cannot be opened.
    pub async fn start_with(
        listener: TcpListener,
        kinesis: kinesis_engine::Options,
        hosts: &AllowedHosts,
        beside: Beside,
    ) -> Result<Self, OpenError> {
        let region = kinesis.region.clone();
        let data = kinesis.data_dir.clone();
        let logs = Logs::new(logs_engine::Options {
            region: region.clone(),
            clock: kinesis.clock.clone(),
            ..logs_engine::Options::default()
        });
        let file = |name: &str| data.as_ref().map(|data| data.join(name));
        if let Some(data) = &data {
            // The engines would create theirs for everyone to read.
            private::folder(&data.join("kinesis"))?;
            private::folder(&data.join("sqs"))?;
        }
        let sqs = Sqs::open(queues(&kinesis)).await?;
        let arrivals = Arrivals::default();
        let kinesis = Kinesis::open(kinesis, arrivals.clone()).await?;
        let reader = kinesis.reader();
        let dynamodb = DynamoDb::start(&region, file("dynamodb.sqlite").as_deref()).await?;
        let services: Vec<Arc<dyn Service>> = vec![
            kinesis,
            sqs.clone(),
            Arc::new(dynamodb.observed_by(beside.store)),
            Arc::new(ParameterStore::open(
                &region,
                file("parameters.json").as_deref(),
            )?),
            Arc::new(Sts),
            Arc::new(logs.clone()),
        ];
        let guard = Guard::new(Protocol::Aws, hosts);
        let mut gateway = Gateway::new(services);
        let calls = gateway.counts();
        if let Some(lambda) = beside.lambda {
            gateway = gateway.with_paths("Lambda", lambda);
        }
        let router = gateway.router_beside(beside.page);
        Ok(Self {
            server: Server::start(listener, router, guard)?,
            calls,
            arrivals,
            reader,
            sqs,
            logs,
        })
    }

    /// Finishes the replies under way and closes all state.
    pub async fn shut_down(self) {
        self.server.shut_down().await;
    }

    /// Their URL, for clients on this machine.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url()
    }
}

/// The options of the queues: the streams' own, as far as they have them.
fn queues(kinesis: &kinesis_engine::Options) -> sqs_engine::Options {
    sqs_engine::Options {
        region: kinesis.region.clone(),
        account: kinesis.account.clone(),
        enforce_limits: kinesis.enforce_limits,
        data_dir: kinesis.data_dir.clone(),
        fsync: kinesis.fsync,
        clock: kinesis.clock.clone(),
    }
}
