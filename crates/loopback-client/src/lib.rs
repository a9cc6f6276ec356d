//! Clients of endpoints on this machine.
//!
//! Two things go wrong when a program that is written for the network talks to 127.0.0.1.
//! `HTTP_PROXY` sends the request to a proxy, which looks for 127.0.0.1 on its own machine:
//! [`client`] and [`sdk_config`] use none, and [`direct`] and [`no_proxy`] have the
//! variables for programs that are started. An AWS SDK searches for credentials, up to the
//! instance metadata service: [`sdk_config`] has fixed ones.
//!
//! ```
//! let config = loopback_client::sdk_config("http://127.0.0.1:4566", "us-east-1");
//! assert_eq!(config.endpoint_url(), Some("http://127.0.0.1:4566"));
//!
//! assert!(loopback_client::is_here("http://localhost:8080"));
//! assert!(!loopback_client::is_here("https://kinesis.us-east-1.amazonaws.com"));
//! ```
//!
//! # What is isolated
//!
//! Clients for other hosts are the libraries' own, proxy and all. The environment of this
//! process is read and never changed.

#![warn(unreachable_pub)]

mod clients;
mod proxies;

pub use clients::{client, sdk_client, sdk_config};
pub use proxies::{bypass_proxies, direct, is_here, no_proxy, no_proxy_of_functions};
