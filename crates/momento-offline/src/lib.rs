//! Momento offline: a cache that the Momento SDKs talk to, in this process.
//!
//! A [`keyspace::Keyspace`] holds caches with TTL and capacity, as the service does.
//! [`calls`] answers a call from its protobuf message, [`http`] a request of the HTTP
//! API, and [`faults`] inject errors, latency, rate limits and outages while it runs.
//! Two transports serve one keyspace, each behind a feature:
//!
//! - `server` (tonic): for runs of hours and for every SDK.
//! - `stub` (wiremock): for tests; its memory grows with the requests that it served.
//!
//! [`transport::Served`] starts either. The crate opens no port of its own (it takes a
//! listener) and knows nothing of Lambda, Kinesis or AWS. `examples/cache.rs` runs the
//! Momento SDK against it.
//!
//! ```
//! use momento_offline::transport::{CacheOptions, Served};
//!
//! # tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let cache = Served::start(CacheOptions::default(), listener, ["sessions"]).await?;
//!
//! // A Momento SDK connects to this address, with any key of the right form:
//! let endpoint = format!("http://{}", cache.address());
//! let api_key = momento_offline::fake_api_key();
//! # assert!(endpoint.starts_with("http://127.0.0.1:") && !api_key.is_empty());
//!
//! assert_eq!(cache.status().counts.get, 0);
//! # std::io::Result::Ok(())
//! # }).unwrap();
//! ```

#[cfg(not(any(feature = "server", feature = "stub")))]
compile_error!("momento-offline needs a transport: enable the feature `server` or `stub`");

pub mod admin;
pub mod cache;
pub mod calls;
pub mod counters;
pub mod faults;
pub mod http;
pub mod keyspace;
#[cfg(feature = "server")]
pub mod server;
pub mod status;
#[cfg(feature = "stub")]
pub mod stub;
pub mod transport;
pub mod value;
pub mod wire;

use base64::{Engine, prelude::BASE64_URL_SAFE};
use serde_json::json;
use uuid::Uuid;

/// A Momento v1 API key that opens nothing: it has the form that the SDK
/// checks, and a host that never resolves (RFC 6761).
#[must_use]
pub fn fake_api_key() -> String {
    let secret = format!("local-{}", Uuid::new_v4());
    let key = json!({ "endpoint": "cache.local.invalid", "api_key": secret });
    BASE64_URL_SAFE.encode(key.to_string())
}
