//! An SQS queue in this process, under the real AWS SDK.
//!
//! ```sh
//! cargo run -p sqs-engine --example queue
//! ```
//!
//! [`serve`] is all that stands between the engine and an SDK: it takes the operation
//! from `X-Amz-Target` and hands the body over. The message has a delay of 15 minutes, and
//! is received at once: the program moves the clock.

#![allow(clippy::unwrap_used, reason = "an example stops where it fails")]

use std::{net::SocketAddr, sync::Arc, time::Duration};

use aws_sdk_sqs::{
    Client,
    config::{Credentials, Region},
};
use aws_wire::service::{Call, Service};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use sqs_engine::{Clock, Options, Sqs};
use tokio::net::TcpListener;

/// Puts the engine behind a free port of the loopback interface.
async fn serve(sqs: Arc<Sqs>) -> SocketAddr {
    let router = Router::new().fallback(call).with_state(sqs);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

/// Answers one request: `X-Amz-Target: AmazonSQS.SendMessage`.
async fn call(State(sqs): State<Arc<Sqs>>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers
        .get("x-amz-target")
        .and_then(|name| name.to_str().ok());
    let operation = target.and_then(|name| name.split_once('.'));
    let operation = operation.unwrap_or_default().1.to_owned();
    sqs.call(Call::new(operation, headers, body))
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

/// Sends a message with a delay of 15 minutes, and receives it at once.
async fn round_trip() -> String {
    let clock = Clock::system();
    let options = Options {
        clock: clock.clone(),
        ..Options::default()
    };
    let client = client(serve(Sqs::open(options).await.unwrap()).await).await;
    let created = client.create_queue().queue_name("orders").send().await;
    let url = created.unwrap().queue_url.unwrap();
    let send = client
        .send_message()
        .queue_url(&url)
        .message_body("an order")
        .delay_seconds(900);
    println!(
        "sent as {}",
        send.send().await.unwrap().message_id().unwrap()
    );

    let receive = client
        .receive_message()
        .queue_url(&url)
        .wait_time_seconds(20);
    clock.advance(Duration::from_mins(15));
    let received = receive.send().await.unwrap();
    let message = received.messages().first().unwrap();
    let delete = client.delete_message().queue_url(&url);
    let delete = delete.receipt_handle(message.receipt_handle().unwrap());
    delete.send().await.unwrap();
    message.body().unwrap().to_owned()
}

#[tokio::main]
async fn main() {
    println!("received: {}", round_trip().await);
}

#[cfg(test)]
mod tests {
    #[tokio::test]
    async fn the_aws_sdk_receives_what_it_sent() {
        assert_eq!(super::round_trip().await, "an order");
    }
}
