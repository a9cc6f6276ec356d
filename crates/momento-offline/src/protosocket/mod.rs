//! The protosocket transport: Momento's second protocol, for get, set and delete.
//!
//! Length-delimited protobuf messages on TCP, multiplexed by message id, without
//! HTTP/2. The SDK's `ProtosocketCacheClient` speaks it. The first command of a
//! connection must be `Auth`; any non-empty token is accepted. Messages, codes and the
//! text of a cache miss follow `momento_protos::protosocket` and the way the Rust SDK
//! reads them.

mod answer;
mod codec;
mod listener;
mod tls;

use std::{
    future::Future, io, net::SocketAddr, ops::ControlFlow, pin::Pin, sync::Arc, task::Context,
};

use futures_util::stream;
use momento_protos::protosocket::cache::{CacheCommand, CacheResponse, cache_command::RpcKind};
use protosocket_rpc::server::{self, ConnectionService, SocketRpcServer, SocketService};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard, WaitForCancellationFutureOwned};

use self::{
    answer::{Answer, Session},
    codec::Messages,
    listener::Listener,
    tls::Stream,
};
use crate::keyspace::Keyspace;

/// Largest command, bytes: above the item size limit, so that the cache refuses an item
/// and the connection stays.
const MAX_MESSAGE: usize = 16 * 1024 * 1024;

/// Growth of a connection's receive buffer, bytes.
const BUFFER_STEP: usize = 64 * 1024;

/// Replies of one connection that may wait for the socket. The connection carries out
/// further calls when the client has read some.
const MAX_QUEUED_REPLIES: usize = 256;

/// A keyspace served over protosocket. Dropping it closes every connection.
#[derive(Debug)]
pub struct Protosocket {
    address: SocketAddr,
    _stop: DropGuard,
}

impl Protosocket {
    /// Serves `keyspace` on `listener`: over TLS, with a self-signed certificate, where the
    /// client starts a handshake, and over plain TCP where not.
    ///
    /// # Errors
    ///
    /// The listener is unusable.
    pub fn start(listener: TcpListener, keyspace: Arc<Keyspace>) -> io::Result<Self> {
        let address = listener.local_addr()?;
        keyspace.served_over_protosocket(address);
        let stop = CancellationToken::new();
        let service = Service {
            keyspace,
            stop: stop.clone(),
        };
        let server = SocketRpcServer::new(
            Listener::new(listener),
            service,
            MAX_MESSAGE,
            BUFFER_STEP,
            MAX_QUEUED_REPLIES,
        )
        .map_err(io::Error::other)?;
        tokio::spawn(stop.clone().run_until_cancelled_owned(server));
        Ok(Self {
            address,
            _stop: stop.drop_guard(),
        })
    }

    /// Address of the listener, for the SDK's `insecure_endpoint_override` or
    /// `unverified_tls_endpoint_override` as `host:port`.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Creates the service of each connection.
struct Service {
    keyspace: Arc<Keyspace>,
    stop: CancellationToken,
}

impl SocketService for Service {
    type ConnectionService = Connection;
    type SocketListener = Listener;

    fn codec(&mut self) -> Messages {
        Messages
    }

    fn new_stream_service(&mut self, _: &Stream) -> Connection {
        let open = self.stop.child_token();
        Connection {
            closed: Box::pin(open.clone().cancelled_owned()),
            session: Session::new(self.keyspace.clone(), open),
        }
    }
}

/// One connection.
struct Connection {
    /// Ends when a fault drops the connection or the server stops.
    closed: Pin<Box<WaitForCancellationFutureOwned>>,
    session: Session,
}

impl ConnectionService for Connection {
    type Codec = Messages;
    type Request = CacheCommand;
    type Response = CacheResponse;
    type UnaryFutureType = Answer;
    type StreamType = stream::Empty<CacheResponse>;

    fn new_rpc(&mut self, message: CacheCommand) -> server::RpcKind<Answer, Self::StreamType> {
        let command = match message.rpc_kind {
            Some(RpcKind::Unary(unary)) => unary.command,
            None => None,
        };
        server::RpcKind::Unary(self.session.accept(command))
    }

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> ControlFlow<()> {
        if self.closed.as_mut().poll(context).is_ready() {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}
