//! DynamoDB: `dynoxide` in this process, behind the gateway.
//!
//! Its own HTTP layer validates requests as DynamoDB does (deep nesting, types
//! of fields, wording of errors), and only that layer is tested against AWS. So
//! it listens on a loopback port of its own and the gateway hands requests on,
//! instead of calling the storage behind it.

use std::{net::SocketAddr, path::Path};

use async_trait::async_trait;
use aws_wire::{
    error::AwsError,
    service::{Call, Service},
};
use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use dynoxide::Database;
use http::header;
use tokio::{net::TcpListener, sync::oneshot};

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
    /// No loopback port is to be had.
    #[error("DynamoDB cannot listen on 127.0.0.1: {0}")]
    Listen(#[from] std::io::Error),
}

/// DynamoDB behind the gateway. Dropping it stops it.
pub struct DynamoDb {
    address: SocketAddr,
    client: reqwest::Client,
    /// Dropping the sender ends the server.
    _stop: oneshot::Sender<()>,
}

impl DynamoDb {
    /// Opens the database, in `file` or in memory, and serves it.
    ///
    /// # Errors
    ///
    /// The file cannot be opened, or no loopback port is to be had.
    pub async fn start(file: Option<&Path>) -> Result<Self, StartError> {
        let database = match file {
            Some(file) => Database::new(&file.to_string_lossy()),
            None => Database::memory(),
        }
        .map_err(|error| StartError::Open {
            path: file.map_or("in memory".to_owned(), |file| file.display().to_string()),
            reason: error.to_string(),
        })?;
        let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await?;
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
            address,
            client: reqwest::Client::new(),
            _stop: stop,
        })
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
        let reply = self
            .client
            .post(format!("http://{}/", self.address))
            .headers(headers)
            .body(call.body)
            .send()
            .await
            .map_err(unreachable)?;
        let (status, mut headers) = (reply.status(), reply.headers().clone());
        headers.remove(header::TRANSFER_ENCODING);
        let body = reply.bytes().await.map_err(unreachable)?;
        Ok((status, headers, Body::from(body)).into_response())
    }
}
