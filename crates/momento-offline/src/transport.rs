//! The two ways to serve one keyspace.

use std::{io, net::SocketAddr, sync::Arc};

use tokio::net::TcpListener;

#[cfg(feature = "server")]
use super::server::Server;
#[cfg(feature = "stub")]
use super::stub::Stub;
use super::{
    admin::CacheStatus,
    faults::FaultPlan,
    keyspace::{DEFAULT_CAPACITY, Keyspace},
};

/// How the calls come in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Transport {
    /// Through wiremock.
    #[cfg(feature = "stub")]
    #[cfg_attr(feature = "stub", default)]
    Stub,
    /// Through tonic.
    #[cfg(feature = "server")]
    #[cfg_attr(not(feature = "stub"), default)]
    Server,
}

impl Transport {
    /// Its name, as `--cache` has it.
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

/// A cache of this process, before it is started.
#[derive(Debug, Clone, PartialEq)]
pub struct CacheOptions {
    /// How the calls come in.
    pub transport: Transport,
    /// Bytes that each cache may hold.
    pub capacity: u64,
    /// What goes wrong from the start.
    pub faults: FaultPlan,
}

impl Default for CacheOptions {
    fn default() -> Self {
        Self {
            transport: Transport::default(),
            capacity: DEFAULT_CAPACITY,
            faults: FaultPlan::default(),
        }
    }
}

/// A keyspace that is being served. Dropping it stops it at once.
pub struct Served {
    transport: Transport,
    address: SocketAddr,
    keyspace: Arc<Keyspace>,
    /// Held for its drop alone.
    _running: Running,
}

enum Running {
    #[cfg(feature = "stub")]
    Stub { _stub: Stub },
    #[cfg(feature = "server")]
    Server { _server: Server },
}

impl Served {
    /// Serves empty caches of these names on `listener`.
    ///
    /// # Errors
    ///
    /// The listener cannot be used, or the faults cannot be carried out.
    pub async fn start<I: IntoIterator<Item: Into<String>>>(
        options: CacheOptions,
        listener: TcpListener,
        names: I,
    ) -> io::Result<Self> {
        let transport = options.transport;
        let keyspace = Keyspace::with_capacity(options.capacity).and_caches(names);
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
                    _stub: Stub::start(listener, keyspace.clone()).await,
                }
            }
            #[cfg(feature = "server")]
            Transport::Server => Running::Server {
                _server: Server::start(listener, keyspace.clone()),
            },
        };
        Ok(Self {
            transport,
            address,
            keyspace,
            _running: running,
        })
    }

    /// How the calls come in.
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.transport
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What is served.
    #[must_use]
    pub fn keyspace(&self) -> &Arc<Keyspace> {
        &self.keyspace
    }

    /// What it holds and was asked.
    #[must_use]
    pub fn status(&self) -> CacheStatus {
        CacheStatus::of(&self.keyspace, self.transport.name())
    }
}
