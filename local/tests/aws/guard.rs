//! Who gets in: every `Host` and `Origin` against every port.

use std::{
    collections::BTreeMap,
    net::{Ipv6Addr, SocketAddr},
    sync::Arc,
};

use axum::Router;
use lambda_host::invoke_api;
use local::{
    aws::apis::AwsApis,
    guard::{Guard, Protocol},
    ports,
    server::Server,
    status_board::{STATUS_PATH, StatusBoard},
};
use loopback_server::hosts::AllowedHosts;
use momento_offline::transport::{CacheOptions, Served, Transport};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A port: where it is, a request that it answers when it lets one in, and the member
/// of a refusal that names the reason.
struct Port {
    address: SocketAddr,
    line: &'static str,
    target: &'static str,
    /// `None`: the refusal is a line of text.
    message: Option<&'static str>,
}

struct World {
    apis: AwsApis,
    lambda: Server,
    status: Server,
    caches: [Served; 2],
}

impl World {
    async fn start() -> Self {
        let allowed = AllowedHosts::new(["Event-Source".to_owned()]);
        let listen = || ports::listen([127, 0, 0, 1].into(), 0, "--port");
        let listener = listen().await.unwrap();
        let options = kinesis_engine::Options::default();
        let apis = AwsApis::start_for(listener, options, &allowed);
        let serve = async |router: Router| {
            let guard = Guard::new(Protocol::Lambda, &allowed);
            Server::start(listen().await.unwrap(), router, guard).unwrap()
        };
        Self {
            apis: apis.await.unwrap(),
            lambda: serve(invoke_api::router(Arc::new(BTreeMap::new()))).await,
            status: serve(StatusBoard::default().router()).await,
            caches: [
                cache(Transport::Stub, &allowed).await,
                cache(Transport::Server, &allowed).await,
            ],
        }
    }

    fn ports(&self) -> [Port; 5] {
        let url = self.apis.url();
        let address = url.strip_prefix("http://").unwrap().parse().unwrap();
        [
            Port {
                address,
                line: "POST /",
                target: "X-Amz-Target: AmazonSSM.DescribeParameters\r\n",
                message: Some("message"),
            },
            Port {
                address: self.lambda.address(),
                line: "GET /_local/health",
                target: "",
                message: Some("Message"),
            },
            Port {
                address: self.status.address(),
                line: "GET /_local/status",
                target: "",
                message: Some("Message"),
            },
            Self::cache_port(&self.caches[0]),
            Self::cache_port(&self.caches[1]),
        ]
    }

    fn cache_port(cache: &Served) -> Port {
        Port {
            address: cache.address(),
            line: "GET /_local/status",
            target: "",
            message: None,
        }
    }
}

async fn cache(transport: Transport, allowed: &AllowedHosts) -> Served {
    let listener = ports::listen([127, 0, 0, 1].into(), 0, "--port").await;
    let options = CacheOptions {
        transport,
        hosts: allowed.clone(),
        ..CacheOptions::default()
    };
    let served = Served::start(options, listener.unwrap(), ["sample-a"]).await;
    served.unwrap()
}

/// Sends headers as they are, and returns the status and the body.
async fn ask(port: &Port, version: &str, headers: &str) -> (u16, String) {
    let Port { line, target, .. } = port;
    let request = format!(
        "{line} HTTP/{version}\r\n{headers}{target}Content-Length: 2\r\nConnection: close\r\n\r\n{{}}"
    );
    let mut stream = TcpStream::connect(port.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.unwrap();
    let (head, body) = reply.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}

/// `Host`, `Origin`, and whether a request with them is let in.
const TABLE: [(&str, Option<&str>, bool); 24] = [
    ("127.0.0.1:4566", None, true),
    ("127.0.0.1", None, true),
    ("127.9.9.9:1", None, true),
    ("0.0.0.0:4566", None, true),
    ("localhost:4566", None, true),
    ("LOCALHOST", None, true),
    ("localhost.:4566", None, true),
    ("kinesis.localhost:4566", None, true),
    ("[::1]:4566", None, true),
    ("192.168.1.20:4566", None, true),
    ("event-source:9001", None, true),
    ("EVENT-SOURCE", None, true),
    ("evil.example", None, false),
    ("evil.example:4566", None, false),
    ("localhost.evil.example", None, false),
    ("127.0.0.1.evil.example", None, false),
    ("127.0.0.1@evil.example", None, false),
    ("consumer:8080", None, false),
    ("", None, false),
    ("127.0.0.1:4566", Some("http://127.0.0.1:4566"), true),
    ("localhost:4566", Some("http://localhost:4566"), true),
    ("127.0.0.1:4566", Some("http://127.0.0.1:3000"), false),
    ("127.0.0.1:4566", Some("https://evil.example"), false),
    ("127.0.0.1:4566", Some("null"), false),
];

#[tokio::test]
async fn every_port_takes_this_machine_s_names_and_its_own_pages_only() {
    let world = World::start().await;
    for port in world.ports() {
        for (host, origin, let_in) in TABLE {
            let origin_line =
                origin.map_or(String::new(), |origin| format!("Origin: {origin}\r\n"));
            let headers = format!("Host: {host}\r\n{origin_line}");
            let (status, body) = ask(&port, "1.1", &headers).await;
            let case = format!("{} Host {host:?} Origin {origin:?}: {body}", port.line);
            assert_eq!(status, if let_in { 200 } else { 403 }, "{case}");
            if !let_in {
                let reason = match port.message {
                    Some(member) => {
                        let body: Value = serde_json::from_str(&body).expect(&case);
                        body[member].as_str().expect(&case).to_owned()
                    }
                    None => body,
                };
                assert!(
                    reason.contains("--allow-host") || reason.contains("Origin"),
                    "{case}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_refusal_names_the_host_and_the_flag_that_allows_it() {
    let world = World::start().await;
    let [aws, ..] = world.ports();
    let (_, body) = ask(&aws, "1.1", "Host: evil.example\r\n").await;
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["__type"], "AccessDeniedException");
    let message = body["message"].as_str().unwrap();
    assert!(message.contains("\"evil.example\"") && message.contains("--allow-host"));
}

#[tokio::test]
async fn a_request_without_one_clear_host_is_refused_unless_it_is_http_1_0() {
    let world = World::start().await;
    let [aws, ..] = world.ports();
    assert_eq!(ask(&aws, "1.0", "").await.0, 200);
    assert_ne!(ask(&aws, "1.1", "").await.0, 200);
    let two = "Host: localhost\r\nHost: evil.example\r\n";
    assert_ne!(ask(&aws, "1.1", two).await.0, 200);
    // A request line with a host beats the header (RFC 9112), so both must pass.
    let absolute = Port {
        line: "POST http://evil.example/",
        ..aws
    };
    assert_eq!(ask(&absolute, "1.1", "Host: localhost\r\n").await.0, 403);
}

#[tokio::test]
async fn a_name_that_is_pointed_here_is_refused_over_http_1_and_http_2() {
    let world = World::start().await;
    let address = world.status.address();
    for http2 in [false, true] {
        let ask = async |name: &str| {
            let mut client = reqwest::Client::builder().no_proxy().resolve(name, address);
            if http2 {
                client = client.http2_prior_knowledge();
            }
            let url = format!("http://{name}:{}{STATUS_PATH}", address.port());
            let reply = client.build().unwrap().get(url).send().await.unwrap();
            reply.status().as_u16()
        };
        assert_eq!(ask("rebound.example").await, 403, "HTTP/2: {http2}");
        assert_eq!(ask("event-source").await, 200, "HTTP/2: {http2}");
        assert_eq!(ask("localhost").await, 200, "HTTP/2: {http2}");
    }
}

#[tokio::test]
async fn a_server_on_ipv6_takes_its_own_address() {
    let Ok(listener) = ports::listen(Ipv6Addr::LOCALHOST.into(), 0, "--port").await else {
        return; // no IPv6 on this machine
    };
    let guard = Guard::new(Protocol::Lambda, &AllowedHosts::default());
    let server = Server::start(listener, StatusBoard::default().router(), guard).unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let reply = client.get(format!("{}{STATUS_PATH}", server.url())).send();
    assert_eq!(reply.await.unwrap().status(), 200);
}
