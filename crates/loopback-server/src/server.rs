//! An HTTP server in the background: HTTP/1.1 and HTTP/2, guarded and bounded.

use std::{
    convert::Infallible,
    future::{Future, poll_fn},
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use http::{Request, Response};
use hyper::{
    body::{Body, Incoming},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    body::{BoxError, PatientBody},
    hosts::AllowedHosts,
    same_task::{Requests, SameTask},
};

/// How long replies under way may take when the server is shut down.
const GRACE: Duration = Duration::from_secs(2);

/// Pause after a failed accept. The usual cause is that this process ran out of file
/// descriptors.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

/// HTTP/2 flow control windows, bytes: of one request, and of a connection.
const STREAM_WINDOW: u32 = 1024 * 1024;
const CONNECTION_WINDOW: u32 = 4 * STREAM_WINDOW;

/// Limits of one port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once; further ones get HTTP 503 and are closed.
    pub connections: usize,
    /// How long a connection may take to its first request, and from one request to
    /// the end of the next one's headers.
    pub headers: Duration,
    /// How long a request's body may pause.
    pub body: Duration,
}

impl Default for Limits {
    /// Room for a thousand execution environments with two connections each; pauses
    /// as long as hyper's own default.
    fn default() -> Self {
        Self {
            connections: 2000,
            headers: Duration::from_secs(30),
            body: Duration::from_secs(30),
        }
    }
}

/// What is served on a port.
pub trait Site: Send + Sync + 'static {
    /// Body of its replies.
    type Body: Body<Data: Send, Error: Into<BoxError>> + Send + 'static;

    /// Replies to a request that was let in. Cancelling `connection` closes its
    /// connection at once, without this reply.
    fn reply(
        &self,
        request: Request<PatientBody>,
        connection: &CancellationToken,
    ) -> impl Future<Output = Response<Self::Body>> + Send;

    /// Replies to a request that was not let in, for `reason`: HTTP 403, in the form
    /// that the request's protocol has for it.
    fn refuse<B>(&self, request: &Request<B>, reason: String) -> Response<Self::Body>;
}

/// A running server. Dropping it closes every connection at once.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Server {
    /// Serves `site` on `listener`, to requests that name this machine or one of
    /// `hosts`, within `limits`.
    ///
    /// # Errors
    ///
    /// The listener has no address.
    pub fn start(
        listener: TcpListener,
        site: impl Site,
        hosts: AllowedHosts,
        limits: Limits,
    ) -> std::io::Result<Self> {
        let address = listener.local_addr()?;
        let stop = CancellationToken::new();
        let port = Arc::new(Port {
            site,
            hosts,
            limits,
        });
        let task = tokio::spawn(accept(listener, port, stop.clone()));
        Ok(Self {
            address,
            stop,
            task,
        })
    }

    /// Stops accepting connections, finishes the replies under way, and releases
    /// what it serves.
    pub async fn shut_down(mut self) {
        self.stop.cancel();
        // One that takes longer is cut off with the drop that follows.
        let _ = timeout(GRACE, &mut self.task).await;
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
        self.task.abort();
    }
}

/// What all connections of a port share.
struct Port<S> {
    site: S,
    hosts: AllowedHosts,
    limits: Limits,
}

impl<S: Site> Port<S> {
    async fn reply(
        &self,
        request: Request<Incoming>,
        connection: &CancellationToken,
    ) -> Result<Response<S::Body>, Infallible> {
        if let Some(reason) = self.hosts.refusal(&request) {
            tracing::warn!(%reason, path = request.uri().path(), "a request was refused");
            return Ok(self.site.refuse(&request, reason));
        }
        let request = request.map(|body| PatientBody::new(body, self.limits.body));
        Ok(self.site.reply(request, connection).await)
    }
}

/// Accepts until `stop`, then waits for the connections. The tasks end with this one.
async fn accept(listener: TcpListener, port: Arc<Port<impl Site>>, stop: CancellationToken) {
    let mut connections = JoinSet::new();
    let most = port.limits.connections;
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            // Those that have ended make room.
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) if connections.len() >= most => refuse(&stream, most),
                Ok((stream, peer)) => {
                    connections.spawn(serve(stream, peer, port.clone(), stop.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "a server cannot accept a connection");
                    sleep(ACCEPT_AGAIN).await;
                }
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Refuses a connection without waiting for it: the buffers of a new one have room.
fn refuse(stream: &TcpStream, most: usize) {
    let body =
        format!("{most} connections are open on this port; close some, or try again later\n");
    let reply = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain\r\ncontent-length: {}\r\nretry-after: 1\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let _ = stream.try_write(reply.as_bytes());
    // Unread bytes would have the system reset the connection, and lose the reply.
    let _ = stream.try_read(&mut [0; 4096]);
    tracing::warn!(most, "a connection was refused: too many are open");
}

/// Serves one connection until either side closes it, or its client stalls.
async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    port: Arc<Port<impl Site>>,
    stop: CancellationToken,
) {
    // Nagle's algorithm would delay small replies.
    let _ = stream.set_nodelay(true);
    let limits = port.limits;
    let asked = Arc::new(AtomicBool::new(false));
    let closed = CancellationToken::new();
    let (heard, close) = (asked.clone(), closed.clone());
    let service = service_fn(move |request| {
        heard.store(true, Ordering::Relaxed);
        let (port, close) = (port.clone(), close.clone());
        async move { port.reply(request, &close).await }
    });
    let new = SameTask::default();
    let builder = builder(new.clone(), limits);
    let mut requests = Requests::of(new);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    // hyper's own time-out starts when it knows which HTTP it speaks.
    let mut first = pin!(sleep(limits.headers));
    let (mut waiting, mut stopping) = (true, false);
    loop {
        tokio::select! {
            ended = poll_fn(|context| requests.poll(connection.as_mut(), context)) => {
                if let Err(error) = ended {
                    tracing::debug!(%error, %peer, "a connection failed");
                }
                return;
            }
            () = closed.cancelled() => return,
            () = first.as_mut(), if waiting => {
                if asked.load(Ordering::Relaxed) {
                    waiting = false;
                } else if stopping {
                    tracing::debug!(%peer, "a connection brought no request");
                    return;
                } else {
                    // An HTTP/2 client is told first: it then sends its first request on
                    // another connection.
                    stopping = true;
                    connection.as_mut().graceful_shutdown();
                    first.as_mut().reset(Instant::now() + GRACE);
                }
            }
            () = stop.cancelled(), if !stopping => {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

fn builder(requests: SameTask, limits: Limits) -> auto::Builder<SameTask> {
    let mut builder = auto::Builder::new(requests);
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.headers);
    builder
        .http2()
        .timer(TokioTimer::new())
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .keep_alive_interval(limits.headers);
    builder
}
