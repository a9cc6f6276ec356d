//! DynamoDB: `dynoxide` in this process, behind the gateway.
//!
//! Its own HTTP layer validates requests as DynamoDB does (deep nesting, types
//! of fields, wording of errors), and only that layer is tested against AWS. So
//! it listens on a loopback port of its own and the gateway hands requests on,
//! instead of calling the storage behind it.

mod arns;

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    time::Instant,
};

use async_trait::async_trait;
use aws_wire::{
    error::AwsError,
    service::{Call, Service},
};
use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use durable_files::private;
use dynoxide::Database;
use http::{HeaderValue, header};
use tokio::{net::TcpListener, sync::oneshot};

use crate::events::StoreObserver;

/// Why DynamoDB could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database cannot be opened.
    #[error("the DynamoDB database {path} cannot be opened: {reason}")]
    Open {
        /// The file, or `in memory`.
        path: String,
        /// Why.
        reason: String,
    },
    /// No loopback port is free.
    #[error("DynamoDB cannot listen on 127.0.0.1: {0}")]
    Listen(#[from] std::io::Error),
}

/// DynamoDB behind the gateway. Dropping it stops it.
pub struct DynamoDb {
    region: String,
    address: SocketAddr,
    client: reqwest::Client,
    observer: StoreObserver,
    /// Dropping the sender ends the server.
    _stop: oneshot::Sender<()>,
}

impl DynamoDb {
    /// Opens the database, in `file` or in memory, and serves it. `region` is the
    /// region of its ARNs.
    ///
    /// # Errors
    ///
    /// The file cannot be opened, or no loopback port is free.
    pub async fn start(region: &str, file: Option<&Path>) -> Result<Self, StartError> {
        let opened = file.map_or(Ok(()), private::file);
        opened.map_err(|error| StartError::Open {
            path: file.map_or(String::new(), |file| file.display().to_string()),
            reason: error.to_string(),
        })?;
        let database = match file {
            Some(file) => Database::new(&file.to_string_lossy()),
            None => Database::memory(),
        }
        .map_err(|error| StartError::Open {
            path: file.map_or("in memory".to_owned(), |file| file.display().to_string()),
            reason: error.to_string(),
        })?;
        let listener = listen().await?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        tokio::spawn(async move {
            let served = dynoxide::server::serve_with_shutdown(listener, database, async {
                let _ = stopped.await;
            });
            if let Err(error) = served.await {
                tracing::error!(%error, "DynamoDB has stopped");
            }
        });
        Ok(Self {
            region: region.to_owned(),
            address,
            client: loopback_client::client(&format!("http://{address}")),
            observer: StoreObserver::default(),
            _stop: stop,
        })
    }
}

impl DynamoDb {
    /// Tells `observer` of every request.
    #[must_use]
    pub fn observed_by(mut self, observer: StoreObserver) -> Self {
        self.observer = observer;
        self
    }
}

/// Listens on a loopback address of its own, which a web page cannot guess: this port
/// has no guard. Only Linux has more than one such address.
async fn listen() -> std::io::Result<TcpListener> {
    let [b, c, d]: [u8; 3] = rand::random();
    match TcpListener::bind((Ipv4Addr::new(127, b, c, d.clamp(1, 254)), 0)).await {
        Ok(listener) => Ok(listener),
        Err(_) => TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await,
    }
}

#[async_trait]
impl Service for DynamoDb {
    fn name(&self) -> &'static str {
        "DynamoDB"
    }

    fn target_prefixes(&self) -> &'static [&'static str] {
        &["DynamoDB_20120810"]
    }

    fn operations(&self) -> &'static [&'static str] {
        &[
            "BatchExecuteStatement",
            "BatchGetItem",
            "BatchWriteItem",
            "CreateTable",
            "DeleteItem",
            "DeleteTable",
            "DescribeTable",
            "DescribeTimeToLive",
            "ExecuteStatement",
            "ExecuteTransaction",
            "GetItem",
            "ListTables",
            "ListTagsOfResource",
            "PutItem",
            "Query",
            "Scan",
            "TagResource",
            "TransactGetItems",
            "TransactWriteItems",
            "UntagResource",
            "UpdateItem",
            "UpdateTable",
            "UpdateTimeToLive",
        ]
    }

    async fn call(&self, call: Call) -> Result<Response, AwsError> {
        let unreachable =
            |error: reqwest::Error| AwsError::internal(format!("DynamoDB did not answer: {error}"));
        let mut headers = call.headers;
        // They are of the connection to the gateway, not of the request.
        for name in [
            header::HOST,
            header::CONTENT_LENGTH,
            header::TRANSFER_ENCODING,
            header::CONNECTION,
            header::EXPECT,
        ] {
            headers.remove(name);
        }
        let (body, renamed) = arns::names_for_arns(call.body);
        let watched = self
            .observer
            .wants_calls()
            .then(|| (Instant::now(), body.clone()));
        let reply = self
            .client
            .post(format!("http://{}/", self.address))
            .headers(headers)
            .body(body)
            .send()
            .await
            .map_err(unreachable)?;
        let (status, mut headers) = (reply.status(), reply.headers().clone());
        headers.remove(header::TRANSFER_ENCODING);
        let mut body = reply.bytes().await.map_err(unreachable)?;
        if let Some((began, request)) = watched {
            let ok = status.is_success();
            self.observer
                .called(&call.operation, &request, ok, began.elapsed());
        }
        let described = arns::describes_a_table(&call.operation);
        if described || !renamed.is_empty() {
            body = if described {
                arns::in_region(&body, &self.region)
            } else {
                arns::arns_for_names(&body, &renamed)
            };
            headers.remove(header::CONTENT_LENGTH);
            // SDKs check the body against it.
            let checksum = HeaderValue::from(crc32fast::hash(&body));
            headers.insert("x-amz-crc32", checksum);
        }
        Ok((status, headers, Body::from(body)).into_response())
    }
}
