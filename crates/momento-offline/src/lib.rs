//! Momento offline: a cache in this process that the Momento SDKs connect to.
//!
//! A [`Keyspace`](keyspace::Keyspace) holds caches with TTL, capacity and eviction, and
//! enforces the service's limits (item size limit, element size limit, TTL).
//! [`faults`] inject errors, latency, rate limits and outages while it runs. Three
//! transports serve a keyspace, each behind a feature:
//!
//! - `server` (tonic, hyper): gRPC and HTTP, for long runs and every SDK.
//! - `stub` (wiremock): gRPC and HTTP, for tests and short runs.
//! - `protosocket`: get, set and delete over Momento's second protocol, alone or beside
//!   one of the others ([`Served::also_protosocket`](transport::Served::also_protosocket)).
//!
//! [`Served::start`](transport::Served::start) takes a listener of yours; the crate opens
//! no port and knows nothing of Lambda, Kinesis or AWS. `examples/cache.rs` runs the
//! Momento SDK against it.
//!
//! ```
//! use momento_offline::transport::{CacheOptions, Served};
//!
//! # tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let cache = Served::start(CacheOptions::default(), listener, ["sessions"]).await?;
//!
//! // A Momento SDK connects to this address, with any well-formed key:
//! let endpoint = format!("http://{}", cache.address());
//! let api_key = momento_offline::fake_api_key();
//! # assert!(endpoint.starts_with("http://127.0.0.1:") && !api_key.is_empty());
//!
//! assert_eq!(cache.status().counts.get, 0);
//! # std::io::Result::Ok(())
//! # }).unwrap();
//! ```

#![warn(unreachable_pub)]
// protosocket has get, set and delete only: the collections and HTTP are for the others.
#![cfg_attr(not(any(feature = "server", feature = "stub")), allow(dead_code))]

#[cfg(not(any(feature = "protosocket", feature = "server", feature = "stub")))]
compile_error!(
    "momento-offline needs a transport: enable the feature `protosocket`, `server` or `stub`"
);

pub mod admin;
pub mod cache;
mod calls;
pub mod counters;
pub mod faults;
mod http;
pub mod keyspace;
pub mod observer;
#[cfg(feature = "protosocket")]
pub mod protosocket;
#[cfg(feature = "server")]
mod server;
pub mod status;
#[cfg(feature = "stub")]
mod stub;
#[cfg(any(feature = "server", feature = "stub"))]
pub mod transport;
mod value;
#[cfg(feature = "stub")]
mod wire;

use base64::{Engine, prelude::BASE64_URL_SAFE};
use serde_json::json;
use uuid::Uuid;

/// Creates a Momento v1 API key that the SDK accepts and no service does: its host
/// never resolves (RFC 6761).
#[must_use]
pub fn fake_api_key() -> String {
    let secret = format!("local-{}", Uuid::new_v4());
    let key = json!({ "endpoint": "cache.local.invalid", "api_key": secret });
    BASE64_URL_SAFE.encode(key.to_string())
}
