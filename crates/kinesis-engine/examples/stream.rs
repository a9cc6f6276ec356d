//! A Kinesis stream in this process, under the real AWS SDK.
//!
//! ```sh
//! cargo run -p kinesis-engine --example stream
//! ```
//!
//! [`serve`] is all that stands between the engine and an SDK: it takes the operation
//! from `X-Amz-Target` and hands the body over.

#![allow(clippy::unwrap_used, reason = "an example stops where it fails")]

use std::{net::SocketAddr, sync::Arc};

use aws_sdk_kinesis::{
    Client,
    config::{Credentials, Region},
    primitives::Blob,
    types::ShardIteratorType,
};
use aws_wire::service::{Call, Service};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use kinesis_engine::{Kinesis, Options, arrivals::Arrivals};
use tokio::net::TcpListener;

/// Puts the engine behind a free port of the loopback interface.
async fn serve(kinesis: Arc<Kinesis>) -> SocketAddr {
    let router = Router::new().fallback(call).with_state(kinesis);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

/// Answers one request: `X-Amz-Target: Kinesis_20131202.PutRecord`.
async fn call(State(kinesis): State<Arc<Kinesis>>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers
        .get("x-amz-target")
        .and_then(|name| name.to_str().ok());
    let operation = target
        .and_then(|name| name.split_once('.'))
        .unwrap_or_default()
        .1;
    let call = Call::new(operation.to_owned(), headers, body);
    kinesis
        .call(call)
        .await
        .unwrap_or_else(IntoResponse::into_response)
}

async fn client(endpoint: SocketAddr) -> Client {
    let config = aws_config::defaults(aws_config::BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "example"))
        .endpoint_url(format!("http://{endpoint}"))
        .load()
        .await;
    Client::new(&config)
}

/// Creates a stream, puts a record and reads it back.
async fn round_trip() -> String {
    let kinesis = Kinesis::open(Options::default(), Arrivals::default())
        .await
        .unwrap();
    let client = client(serve(kinesis).await).await;
    client
        .create_stream()
        .stream_name("orders")
        .shard_count(1)
        .send()
        .await
        .unwrap();
    let put = client
        .put_record()
        .stream_name("orders")
        .partition_key("customer-7");
    let put = put.data(Blob::new("an order")).send().await.unwrap();
    println!("stored as {} of {}", put.sequence_number(), put.shard_id());

    let iterator = client
        .get_shard_iterator()
        .stream_name("orders")
        .shard_id(put.shard_id());
    let iterator = iterator
        .shard_iterator_type(ShardIteratorType::TrimHorizon)
        .send()
        .await;
    let iterator = iterator.unwrap().shard_iterator.unwrap();
    let page = client
        .get_records()
        .shard_iterator(iterator)
        .send()
        .await
        .unwrap();
    String::from_utf8(page.records()[0].data().as_ref().to_vec()).unwrap()
}

#[tokio::main]
async fn main() {
    println!("read back: {}", round_trip().await);
}

#[cfg(test)]
mod tests {
    #[tokio::test]
    async fn the_aws_sdk_reads_back_what_it_put() {
        assert_eq!(super::round_trip().await, "an order");
    }
}
