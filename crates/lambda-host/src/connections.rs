//! The open connections of a server, counted: when a process has ended and they are all
//! closed, no request of that process can still arrive.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::watch,
    time::{sleep, timeout},
};

/// How long a connection that was just made may take to be accepted.
const ACCEPT: Duration = Duration::from_millis(5);

/// How long to wait for connections that a process has passed to one outside its group.
const LONGEST: Duration = Duration::from_secs(1);

/// How many connections are open.
#[derive(Debug, Clone)]
pub(super) struct Connections(watch::Sender<usize>);

impl Default for Connections {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Connections {
    /// Waits until the requests that an ended process has sent are all read.
    pub(super) async fn drained(&self) {
        sleep(ACCEPT).await;
        let mut open = self.0.subscribe();
        let _ = timeout(LONGEST, open.wait_for(|open| *open == 0)).await;
    }
}

/// A listener that counts.
pub(super) struct Counted {
    listener: TcpListener,
    connections: Connections,
}

impl Counted {
    pub(super) fn new(listener: TcpListener, connections: Connections) -> Self {
        Self {
            listener,
            connections,
        }
    }
}

impl axum::serve::Listener for Counted {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let (stream, address) = axum::serve::Listener::accept(&mut self.listener).await;
        // Small replies would wait for Nagle's algorithm otherwise.
        let _ = stream.set_nodelay(true);
        let open = self.connections.clone();
        open.0.send_modify(|open| *open += 1);
        let connection = Connection {
            stream,
            open,
            ended: false,
        };
        (connection, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection, open until it is dropped.
pub(super) struct Connection {
    stream: TcpStream,
    open: Connections,
    /// The other side has sent its last byte.
    ended: bool,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.open.0.send_modify(|open| *open -= 1);
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        let end = buffer.filled().len() == before && buffer.remaining() > 0;
        if end && !self.ended && matches!(polled, Poll::Ready(Ok(()))) {
            // The server drops a request whose connection ends before its handler has begun.
            // A process may answer and end at once, so the end is reported one turn later.
            self.ended = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        polled
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
