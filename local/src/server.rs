//! A router, served to this machine's programs.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::{Router, response::Response};
use http::Request;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use loopback_server::{
    body::PatientBody,
    server::{self, Limits, Site},
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::guard::Guard;

/// A running server. Dropping it stops it, without waiting for what is under way.
#[derive(Debug)]
pub struct Server(server::Server);

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
        let hosts = guard.hosts.clone();
        let service = TowerToHyperService::new(router);
        let site = Routes { service, guard };
        server::Server::start(listener, site, hosts, limits).map(Self)
    }

    /// Stops accepting connections, finishes the replies under way, and releases
    /// what it serves.
    pub async fn shut_down(self) {
        self.0.shut_down().await;
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.0.address()
    }

    /// Its URL, for clients on this machine.
    #[must_use]
    pub fn url(&self) -> String {
        url(self.address())
    }
}

/// The URL of `address` for clients on this machine: what listens everywhere is
/// reached on the loopback address.
#[must_use]
pub fn url(address: SocketAddr) -> String {
    format!("http://{}", reached(address))
}

/// `address` for clients on this machine, as [`url`] has it.
#[must_use]
pub fn reached(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        ip if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

struct Routes {
    service: TowerToHyperService<Router>,
    guard: Guard,
}

impl Site for Routes {
    type Body = axum::body::Body;

    async fn reply(&self, request: Request<PatientBody>, _: &CancellationToken) -> Response {
        match self.service.call(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }

    fn refuse<B>(&self, request: &Request<B>, reason: String) -> Response {
        self.guard.refuse(request, reason)
    }
}
