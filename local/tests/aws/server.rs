//! What clients may use up of a port, and how it stops.

use std::time::Duration;

use axum::{Router, body::Bytes, routing::post};
use local::{
    guard::{Guard, Protocol},
    ports,
    server::Server,
};
use loopback_server::{hosts::AllowedHosts, server::Limits};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const BRIEF: Duration = Duration::from_millis(100);

async fn serve(limits: Limits) -> Server {
    let listener = ports::listen([127, 0, 0, 1].into(), 0, "--port").await;
    let router = Router::new().route("/", post(|body: Bytes| async move { body }));
    let guard = Guard::new(Protocol::Lambda, &AllowedHosts::default());
    Server::start_with(listener.unwrap(), router, guard, limits).unwrap()
}

/// Sends `text` and reads until the server closes the connection.
async fn send(server: &Server, text: &str) -> String {
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut reply = Vec::new();
    // A reset is an end too.
    let _ = stream.read_to_end(&mut reply).await;
    String::from_utf8_lossy(&reply).into_owned()
}

#[tokio::test]
async fn a_connection_that_stalls_before_its_request_is_complete_is_closed() {
    let server = serve(Limits {
        headers: BRIEF,
        body: BRIEF,
        ..Limits::default()
    })
    .await;
    // Nothing, half of HTTP/2's preface, a request line, half of a header, half of a
    // body: each waits for ever unless the server closes it.
    for text in [
        "",
        "PRI * HT",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "POST / HTTP/1.1\r\n",
        "POST / HTTP/1.1\r\nHost: local",
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhalf",
    ] {
        let closed = tokio::time::timeout(Duration::from_secs(20), send(&server, text));
        let reply = closed.await.expect(text);
        assert!(!reply.starts_with("HTTP/1.1 200"), "{text:?}: {reply}");
    }
}

#[tokio::test]
async fn a_connection_beyond_the_limit_is_told_and_one_that_ends_makes_room() {
    let server = serve(Limits {
        connections: 1,
        ..Limits::default()
    })
    .await;
    let whole =
        "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi";
    let mut held = TcpStream::connect(server.address()).await.unwrap();
    held.write_all(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi")
        .await
        .unwrap();
    // Its reply shows that it was accepted.
    held.read_u8().await.unwrap();
    let mut refused = TcpStream::connect(server.address()).await.unwrap();
    let mut reply = String::new();
    refused.read_to_string(&mut reply).await.unwrap();
    assert!(reply.starts_with("HTTP/1.1 503 "), "{reply}");
    assert!(
        reply.contains("1 connections are open on this port"),
        "{reply}"
    );

    drop(held);
    let eventually = async {
        while !send(&server, whole).await.starts_with("HTTP/1.1 200") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), eventually)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_reply_under_way_is_finished_and_an_idle_connection_closed_when_a_server_stops() {
    let server = serve(Limits::default()).await;
    let mut idle = TcpStream::connect(server.address()).await.unwrap();
    let mut busy = TcpStream::connect(server.address()).await.unwrap();
    let head =
        "POST / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
    busy.write_all(head.as_bytes()).await.unwrap();
    // The handler waits for the body now.
    busy.read_exact(&mut [0; 25]).await.unwrap();
    let stopped = tokio::spawn(server.shut_down());
    idle.read_to_end(&mut Vec::new()).await.unwrap();
    busy.write_all(b"hi").await.unwrap();
    let mut reply = String::new();
    busy.read_to_string(&mut reply).await.unwrap();
    assert!(
        reply.starts_with("HTTP/1.1 200") && reply.ends_with("hi"),
        "{reply}"
    );
    stopped.await.unwrap();
}
