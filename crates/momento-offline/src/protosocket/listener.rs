//! Accepts connections from a listener that the caller bound.
//!
//! protosocket's own listener binds by itself, with `SO_REUSEPORT`: it would share a
//! port that is in use, and ends at the first failed accept.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use protosocket::{SocketListener, SocketResult};
use tokio::{
    net::{TcpListener, TcpStream},
    time::{Sleep, sleep},
};

/// Pause after a failed accept. The usual cause is that this process ran out of file
/// descriptors.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

pub(super) struct Listener {
    listener: TcpListener,
    pause: Option<Pin<Box<Sleep>>>,
}

impl Listener {
    pub(super) fn new(listener: TcpListener) -> Self {
        Self {
            listener,
            pause: None,
        }
    }
}

impl SocketListener for Listener {
    type Stream = TcpStream;

    fn poll_accept(&mut self, context: &mut Context<'_>) -> Poll<SocketResult<TcpStream>> {
        loop {
            if let Some(pause) = &mut self.pause {
                ready!(pause.as_mut().poll(context));
                self.pause = None;
            }
            match ready!(self.listener.poll_accept(context)) {
                Ok((stream, _)) => {
                    // Nagle's algorithm would delay small replies.
                    let _ = stream.set_nodelay(true);
                    return Poll::Ready(SocketResult::Stream(stream));
                }
                Err(error) => {
                    tracing::warn!(%error, "the cache cannot accept a connection");
                    self.pause = Some(Box::pin(sleep(ACCEPT_AGAIN)));
                }
            }
        }
    }
}
