//! Every port that speaks HTTP: malformed request lines, headers, lengths and chunks.

use std::{net::SocketAddr, sync::Arc};

use integration_tests::emulator;
use local::{aws::apis::AwsApis, ports, server::Server};
use momento_offline::transport::{CacheOptions, Served, Transport};
use proptest::{prelude::*, sample::Index};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::{bytes, harness};

/// Valid requests, from which the malformed ones are made.
const REQUESTS: [&str; 8] = [
    "POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: Kinesis_20131202.ListStreams\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: 2\r\n\r\n{}",
    "POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: AmazonSSM.DescribeParameters\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "POST /2015-03-31/functions/function/invocations HTTP/1.1\r\nHost: 127.0.0.1:9000\r\nX-Amz-Invocation-Type: DryRun\r\nX-Amz-Client-Context: e30=\r\nContent-Length: 2\r\n\r\n{}",
    "POST /2015-03-31/functions/none/invocations HTTP/1.1\r\nHost: 127.0.0.1:9000\r\nX-Amz-Log-Type: Tail\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}",
    "GET /_local/status HTTP/1.1\r\nHost: [::1]:8080\r\nConnection: keep-alive\r\n\r\nGET /_localstack/health HTTP/1.0\r\n\r\n",
    "PUT /cache/sample-a?key=Car&ttl_seconds=10 HTTP/1.1\r\nHost: localhost\r\nAuthorization: key\r\nContent-Length: 5\r\n\r\nhello",
    "PUT /_local/faults HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u{4}\0\0\0\0\0\0\0\u{8}\u{6}\0\0\0\0\0\0\0\0\0\0\0\0\0",
];

struct World {
    ports: [SocketAddr; 3],
    _apis: AwsApis,
    _lambda: Server,
    _cache: Served,
}

impl World {
    async fn start() -> Self {
        let listen = || ports::listen([127, 0, 0, 1].into(), 0, "--port");
        let options = kinesis_engine::Options::default();
        let apis = AwsApis::start(listen().await.unwrap(), options)
            .await
            .unwrap();
        // Never invoked: only `DryRun` and unknown functions are asked for.
        let function = emulator::function("/nonexistent".as_ref(), &[]);
        let lambda = emulator::serve(Arc::clone(&function)).await.unwrap();
        let options = CacheOptions {
            transport: Transport::Server,
            ..CacheOptions::default()
        };
        let cache = Served::start(options, listen().await.unwrap(), ["sample-a"]);
        let cache = cache.await.unwrap();
        let aws = apis.url().strip_prefix("http://").unwrap().parse().unwrap();
        Self {
            ports: [aws, lambda.address(), cache.address()],
            _apis: apis,
            _lambda: lambda,
            _cache: cache,
        }
    }
}

/// Sends `bytes` and no more. The server replies, or not, and closes the connection.
async fn send(address: SocketAddr, bytes: &[u8]) -> Result<(), String> {
    let mut stream = TcpStream::connect(address)
        .await
        .map_err(|error| error.to_string())?;
    // A refusal may arrive, and the connection end, before all is sent.
    let _ = stream.write_all(bytes).await;
    let _ = stream.shutdown().await;
    let mut reply = Vec::new();
    let read = timeout(harness::PATIENCE / 2, stream.read_to_end(&mut reply)).await;
    if read.is_err() {
        return Err(format!(
            "the connection stays open after {:?}",
            text(&reply)
        ));
    }
    let status = text(&reply);
    if status.starts_with("HTTP/1.1 5") && !status.starts_with("HTTP/1.1 501") {
        return Err(status);
    }
    // The port still serves.
    let mut stream = TcpStream::connect(address)
        .await
        .map_err(|error| error.to_string())?;
    let health = b"GET /_local/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream
        .write_all(health)
        .await
        .map_err(|error| error.to_string())?;
    let mut reply = Vec::new();
    stream
        .read_to_end(&mut reply)
        .await
        .map_err(|error| error.to_string())?;
    if !reply.starts_with(b"HTTP/1.1 ") {
        return Err(format!("afterwards: {:?}", text(&reply)));
    }
    Ok(())
}

fn text(reply: &[u8]) -> String {
    String::from_utf8_lossy(&reply[..reply.len().min(400)]).into_owned()
}

#[test]
fn malformed_http_is_refused_and_its_connection_closed() {
    let runtime = harness::runtime();
    let world = runtime.block_on(World::start());
    let cases = (any::<Index>(), any::<Index>(), bytes::changes());
    harness::fuzz(&runtime, &cases, async |(port, which, changes)| {
        let request = which.get(&REQUESTS).as_bytes().to_vec();
        send(*port.get(&world.ports), &bytes::changed(request, &changes)).await
    });
}
