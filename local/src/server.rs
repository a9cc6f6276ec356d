//! An HTTP server in the background: HTTP/1.1 and HTTP/2, guarded and bounded.

use std::{
    convert::Infallible,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::{BoxError, Router, response::Response};
use bytes::Bytes;
use http::Request;
use hyper::{
    body::{Body, Frame, Incoming, SizeHint},
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
    time::{Sleep, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::guard::Guard;

/// How long replies under way may take when the server is shut down.
const GRACE: Duration = Duration::from_secs(2);

/// How long accepting rests after it has failed, which is when this process has no
/// more file descriptors.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

/// What one port's clients may use up.
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

/// A running server. Dropping it stops it, without waiting for what is under way.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Server {
    /// Serves what `guard` lets through to `router` on `listener`.
    ///
    /// # Errors
    ///
    /// The listener has no address.
    pub fn start(listener: TcpListener, router: Router, guard: Guard) -> std::io::Result<Self> {
        Self::start_with(listener, router, guard, Limits::default())
    }

    /// As [`Server::start`], within `limits`.
    ///
    /// # Errors
    ///
    /// The listener has no address.
    pub fn start_with(
        listener: TcpListener,
        router: Router,
        guard: Guard,
        limits: Limits,
    ) -> std::io::Result<Self> {
        let address = listener.local_addr()?;
        let stop = CancellationToken::new();
        let site = Arc::new(Site {
            service: TowerToHyperService::new(router),
            guard,
            limits,
        });
        let task = tokio::spawn(accept(listener, site, stop.clone()));
        Ok(Self {
            address,
            stop,
            task,
        })
    }

    /// Takes no more connections, finishes the replies under way, and lets go of
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

    /// Its URL, for clients on this machine.
    #[must_use]
    pub fn url(&self) -> String {
        url(self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
        self.task.abort();
    }
}

/// The URL of `address` for clients on this machine: what listens everywhere is
/// reached on the loopback address.
#[must_use]
pub fn url(address: SocketAddr) -> String {
    let ip = match address.ip() {
        ip if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}

/// What all connections of a port share.
struct Site {
    service: TowerToHyperService<Router>,
    guard: Guard,
    limits: Limits,
}

impl Site {
    async fn reply(&self, request: Request<Incoming>) -> Result<Response, Infallible> {
        if let Some(refusal) = self.guard.refusal(&request) {
            return Ok(refusal);
        }
        let patience = self.limits.body;
        let request = request.map(|body| PatientBody {
            body,
            patience,
            waiting: None,
        });
        self.service.call(request).await
    }
}

/// Accepts until `stop`, then waits for the connections. The tasks end with this one.
async fn accept(listener: TcpListener, site: Arc<Site>, stop: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            // Those that have ended make room.
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) if connections.len() >= site.limits.connections => {
                    refuse(&stream, site.limits.connections);
                }
                Ok((stream, peer)) => {
                    connections.spawn(serve(stream, peer, site.clone(), stop.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "a server takes no connection");
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
async fn serve(stream: TcpStream, peer: SocketAddr, site: Arc<Site>, stop: CancellationToken) {
    // Small replies would wait for Nagle's algorithm otherwise.
    let _ = stream.set_nodelay(true);
    let limits = site.limits;
    let asked = Arc::new(AtomicBool::new(false));
    let heard = asked.clone();
    let service = service_fn(move |request| {
        heard.store(true, Ordering::Relaxed);
        let site = site.clone();
        async move { site.reply(request).await }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.headers);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(limits.headers);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    // hyper's own time-out starts when it knows which HTTP it speaks.
    let mut first = pin!(sleep(limits.headers));
    let (mut waiting, mut stopping) = (true, false);
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, %peer, "a connection has ended");
                }
                return;
            }
            () = first.as_mut(), if waiting => {
                waiting = false;
                if !asked.load(Ordering::Relaxed) {
                    tracing::debug!(%peer, "a connection brought no request");
                    return;
                }
            }
            () = stop.cancelled(), if !stopping => {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

/// A request's body, which fails when it pauses too long.
struct PatientBody {
    body: Incoming,
    patience: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl Body for PatientBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(context) {
            this.waiting = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let patience = this.patience;
        let waiting = this
            .waiting
            .get_or_insert_with(|| Box::pin(sleep(patience)));
        waiting.as_mut().poll(context).map(|()| {
            let seconds = patience.as_secs();
            Some(Err(
                format!("no byte of the body came for {seconds} s").into()
            ))
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
