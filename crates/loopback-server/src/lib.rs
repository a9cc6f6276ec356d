//! An HTTP server for this machine's programs: closed to other sites' pages, and
//! bounded in connections and time.
//!
//! Whatever a development tool serves on 127.0.0.1, each page in the browser can reach.
//! A page can point its own name at 127.0.0.1 (DNS rebinding); the browser then sends
//! that name as `Host`. A page can also send simple cross-site requests; the browser
//! then sends its `Origin`. [`hosts::AllowedHosts`] tells both from the requests of
//! programs, which send the address that they were given, and no `Origin`.
//!
//! [`server::Server`] asks it before each request, serves HTTP/1.1 and HTTP/2 on one
//! port, and stays within [`server::Limits`]: connections at once, and the time that
//! headers and bodies take. A [`server::Site`] has the replies, refusals included, as
//! each protocol has its own form for them.
//!
//! ```
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use loopback_server::{
//!     body::PatientBody,
//!     hosts::AllowedHosts,
//!     server::{Limits, Server, Site},
//! };
//! use tokio::{
//!     io::{AsyncReadExt, AsyncWriteExt},
//!     net::{TcpListener, TcpStream},
//! };
//! use tokio_util::sync::CancellationToken;
//!
//! /// Says hello to every program.
//! struct Hello;
//!
//! impl Site for Hello {
//!     type Body = Full<&'static [u8]>;
//!
//!     async fn reply(
//!         &self,
//!         _request: Request<PatientBody>,
//!         _connection: &CancellationToken,
//!     ) -> Response<Self::Body> {
//!         Response::new(Full::new(b"hello"))
//!     }
//!
//!     fn refuse<B>(&self, _request: &Request<B>, _reason: String) -> Response<Self::Body> {
//!         let mut refusal = Response::new(Full::new(&b"not you"[..]));
//!         *refusal.status_mut() = http::StatusCode::FORBIDDEN;
//!         refusal
//!     }
//! }
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
//! # runtime.block_on(async {
//! let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
//! let server = Server::start(listener, Hello, AllowedHosts::default(), Limits::default());
//! let server = server.unwrap();
//! let ask = async |host: &str| {
//!     let mut stream = TcpStream::connect(server.address()).await.unwrap();
//!     let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
//!     stream.write_all(request.as_bytes()).await.unwrap();
//!     let mut reply = String::new();
//!     stream.read_to_string(&mut reply).await.unwrap();
//!     reply
//! };
//! assert!(ask("localhost").await.ends_with("hello"));
//! assert!(ask("evil.example").await.ends_with("not you"));
//! # });
//! ```

#![warn(unreachable_pub)]

pub mod body;
pub mod hosts;
mod same_task;
pub mod server;
