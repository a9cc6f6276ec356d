//! The transports of a keyspace, and how to start them.

use std::{io, net::SocketAddr, sync::Arc};

use loopback_server::hosts::AllowedHosts;
use movable_clock::Clock;
use tokio::net::TcpListener;

#[cfg(feature = "protosocket")]
use super::protosocket::Protosocket;
#[cfg(feature = "server")]
use super::server;
#[cfg(feature = "stub")]
use super::stub::Stub;
use super::{
    admin::CacheStatus,
    faults::FaultPlan,
    keyspace::{DEFAULT_CAPACITY, Keyspace},
};

/// How gRPC and HTTP are served.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Transport {
    /// wiremock: for tests and short runs.
    #[cfg(feature = "stub")]
    #[cfg_attr(feature = "stub", default)]
    Stub,
    /// tonic and hyper: for long runs and every SDK.
    #[cfg(feature = "server")]
    #[cfg_attr(not(feature = "stub"), default)]
    Server,
}

impl Transport {
    /// Name of the transport, as `local --cache` takes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            #[cfg(feature = "stub")]
            Self::Stub => "stub",
            #[cfg(feature = "server")]
            Self::Server => "server",
        }
    }
}

/// How to serve a keyspace.
#[derive(Debug, Clone, PartialEq)]
pub struct CacheOptions {
    /// Transport of gRPC and HTTP.
    pub transport: Transport,
    /// Capacity of each cache, bytes.
    pub capacity: u64,
    /// Faults that are active from the start.
    pub faults: FaultPlan,
    /// Names by which clients call this machine, besides `localhost` and its addresses.
    /// Requests over gRPC and HTTP that name another host are refused.
    pub hosts: AllowedHosts,
}

impl Default for CacheOptions {
    fn default() -> Self {
        Self {
            transport: Transport::default(),
            capacity: DEFAULT_CAPACITY,
            faults: FaultPlan::default(),
            hosts: AllowedHosts::default(),
        }
    }
}

/// A keyspace that is being served. Dropping it closes every connection.
pub struct Served {
    transport: Transport,
    address: SocketAddr,
    keyspace: Arc<Keyspace>,
    /// Serves until it is dropped.
    _running: Running,
    /// A second protocol on a listener of its own.
    #[cfg(feature = "protosocket")]
    protosocket: Option<Protosocket>,
}

enum Running {
    #[cfg(feature = "stub")]
    Stub { _stub: Stub },
    #[cfg(feature = "server")]
    Server {
        _server: loopback_server::server::Server,
    },
}

impl Served {
    /// Serves empty caches of these names on `listener`.
    ///
    /// # Errors
    ///
    /// The listener is unusable, or a fault is out of range or not supported by the
    /// transport.
    pub async fn start<I: IntoIterator<Item: Into<String>>>(
        options: CacheOptions,
        listener: TcpListener,
        names: I,
    ) -> io::Result<Self> {
        Self::start_on(Clock::system(), options, listener, names).await
    }

    /// The same, with items that expire by `clock`.
    ///
    /// # Errors
    ///
    /// As [`Served::start`].
    // Only the stub awaits.
    #[cfg_attr(not(feature = "stub"), allow(clippy::unused_async))]
    pub async fn start_on<I: IntoIterator<Item: Into<String>>>(
        clock: Clock,
        options: CacheOptions,
        listener: TcpListener,
        names: I,
    ) -> io::Result<Self> {
        let transport = options.transport;
        let keyspace = Keyspace::with_capacity(options.capacity)
            .on_clock(clock)
            .and_caches(names);
        #[cfg(feature = "stub")]
        if transport == Transport::Stub {
            keyspace.faults.keep_connections();
        }
        let set = keyspace.faults.set(options.faults);
        set.map_err(io::Error::other)?;
        let keyspace = Arc::new(keyspace);
        let address = listener.local_addr()?;
        let running = match transport {
            #[cfg(feature = "stub")]
            Transport::Stub => {
                let listener = listener.into_std()?;
                Running::Stub {
                    _stub: Stub::start(listener, keyspace.clone(), options.hosts).await,
                }
            }
            #[cfg(feature = "server")]
            Transport::Server => Running::Server {
                _server: server::start(listener, keyspace.clone(), options.hosts)?,
            },
        };
        Ok(Self {
            transport,
            address,
            keyspace,
            _running: running,
            #[cfg(feature = "protosocket")]
            protosocket: None,
        })
    }

    /// Serves the same keyspace over protosocket too, on `listener`. The service's port
    /// is 9004.
    ///
    /// # Errors
    ///
    /// The listener is unusable.
    #[cfg(feature = "protosocket")]
    pub fn also_protosocket(mut self, listener: TcpListener) -> io::Result<Self> {
        self.protosocket = Some(Protosocket::start(listener, self.keyspace.clone())?);
        Ok(self)
    }

    /// Address of protosocket, if it is served.
    #[cfg(feature = "protosocket")]
    #[must_use]
    pub fn protosocket_address(&self) -> Option<SocketAddr> {
        self.protosocket.as_ref().map(Protosocket::address)
    }

    /// Transport of gRPC and HTTP.
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.transport
    }

    /// Address of gRPC and HTTP.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The served keyspace.
    #[must_use]
    pub fn keyspace(&self) -> &Arc<Keyspace> {
        &self.keyspace
    }

    /// Contents, call counts and active faults.
    #[must_use]
    pub fn status(&self) -> CacheStatus {
        CacheStatus::of(&self.keyspace, self.transport.name())
    }
}
