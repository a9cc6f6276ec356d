//! Accepts connections from a listener that the caller bound.
//!
//! protosocket's own listener binds by itself, with `SO_REUSEPORT`: it would share a
//! port that is in use, and ends at the first failed accept.

use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_util::stream::{FuturesUnordered, StreamExt};
use protosocket::{SocketListener, SocketResult};
use tokio::{
    net::TcpListener,
    time::{Sleep, sleep},
};

use super::tls::Stream;

/// Pause after a failed accept. The usual cause is that this process ran out of file
/// descriptors.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

pub(super) struct Listener {
    listener: TcpListener,
    pause: Option<Pin<Box<Sleep>>>,
    /// Accepted connections, until their first bytes have come.
    opening: FuturesUnordered<Opening>,
}

type Opening = Pin<Box<dyn Future<Output = io::Result<Stream>> + Send>>;

impl Listener {
    pub(super) fn new(listener: TcpListener) -> Self {
        Self {
            listener,
            pause: None,
            opening: FuturesUnordered::new(),
        }
    }
}

impl SocketListener for Listener {
    type Stream = Stream;

    fn poll_accept(&mut self, context: &mut Context<'_>) -> Poll<SocketResult<Stream>> {
        loop {
            while let Poll::Ready(Some(opened)) = self.opening.poll_next_unpin(context) {
                match opened {
                    Ok(stream) => return Poll::Ready(SocketResult::Stream(stream)),
                    Err(error) => tracing::debug!(%error, "a connection did not open"),
                }
            }
            if let Some(pause) = &mut self.pause {
                ready!(pause.as_mut().poll(context));
                self.pause = None;
            }
            match ready!(self.listener.poll_accept(context)) {
                Ok((stream, _)) => {
                    // Nagle's algorithm would delay small replies.
                    let _ = stream.set_nodelay(true);
                    self.opening.push(Box::pin(Stream::open(stream)));
                }
                Err(error) => {
                    tracing::warn!(%error, "the cache cannot accept a connection");
                    self.pause = Some(Box::pin(sleep(ACCEPT_AGAIN)));
                }
            }
        }
    }
}
